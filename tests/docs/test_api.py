"""The API reference holds every public name."""

import re
from pathlib import Path
from types import ModuleType

import similitude

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_every_public_name_is_in_the_reference():
    documented = set(re.findall(r"(?:^::: |`)similitude\.(\w+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    public = {name for name in similitude.__all__ if not isinstance(getattr(similitude, name), ModuleType)}
    assert public - documented == {"__version__"}
