"""What is compared: representations, and populations of networks that hold them."""

from similitude.representations.representation import Representation, validate

__all__ = ["Representation", "validate"]
