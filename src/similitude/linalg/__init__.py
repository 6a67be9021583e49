"""Arithmetic on matrices that knows nothing of representations."""
