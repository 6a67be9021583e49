"""Compare neural-network representations, and grade the measures that do so."""

from lazy_loader import attach_stub

__version__ = "0.1.0"

# The public names stand in `__init__.pyi`, and nowhere else; a module is imported when a name of it is first used.
__getattr__, _, __all__ = attach_stub(__name__, __file__)
__all__ += ["__version__"]


def __dir__() -> list[str]:
    return __all__
