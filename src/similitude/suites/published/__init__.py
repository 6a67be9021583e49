"""The released archive of Ding, Denain & Steinhardt 2021 (arXiv:2108.01661): the published table, again."""

from similitude.suites.published.example import ExampleSize, make_example
from similitude.suites.published.reproduce import Reproduction, reproduce

__all__ = ["ExampleSize", "Reproduction", "make_example", "reproduce"]
