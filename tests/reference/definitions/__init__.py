"""Every measure as its paper defines it: plain, slow, sharing no code with the package or with one another's shortcuts.

X is n x d_x and Y is n x d_y, full precision, well conditioned. Small sizes only: some try all permutations.

A function has the name of its measure and takes its parameters; those of all files of this folder are found here.
"""

import importlib
import inspect
import pkgutil

_found = {}
for _file in pkgutil.iter_modules(__path__):
    _module = importlib.import_module(f"{__name__}.{_file.name}")
    _own = {name: f for name, f in inspect.getmembers(_module, inspect.isfunction) if f.__module__ == _module.__name__}
    if _twice := _own.keys() & _found:
        raise ImportError(f"Defined in {_file.name}.py and in another file too: {', '.join(sorted(_twice))}.")
    _found |= _own
globals().update(_found)
