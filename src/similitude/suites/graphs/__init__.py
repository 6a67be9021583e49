"""Graph networks on generated block models, whose structure is known."""
