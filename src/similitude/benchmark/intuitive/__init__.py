"""Intuitive tests of a measure: specificity and sensitivity."""
