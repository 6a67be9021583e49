"""Text as files and terminals get it: UTF-8, whatever the names in it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["json_text", "write_text"]


def json_text(content: Any) -> str:
    """Return plain values as JSON for people to read as well."""
    return json.dumps(content, indent=1, ensure_ascii=False)


def write_text(file: Path, text: str) -> None:
    """Write a text; characters that no file may hold, of undecodable names, are written out."""
    file.write_text(text, encoding="utf-8", errors="backslashreplace")
