"""Residual convnets that differ in their seed, and what they make of clean and corrupted images."""
