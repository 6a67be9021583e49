"""What networks can do, as numbers per model or per pair of models."""
