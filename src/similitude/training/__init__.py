"""Similarity over training: watch a network while it is trained, or compare its checkpoints afterwards."""
