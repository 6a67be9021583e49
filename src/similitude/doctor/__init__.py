"""What may be wrong with a comparison, and what chance alone would give."""
