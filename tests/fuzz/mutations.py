"""Ways to damage a file: of any kind, and of kinds with checksums, which a blind change would break."""

from __future__ import annotations

import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random], bytes]

_NUMBERS = (("<i", -1), ("<I", 2**31), ("<q", -1), ("<Q", 2**62), ("<q", 0), ("<H", 0))
_EXTREMES = [struct.pack(kind, number) for kind, number in _NUMBERS]
_NAMES = ("../up.npy", "\x1b[2J.npy", "[red].npy", "a/../b.npy", ".npy", "a\nb.npy")
_TOKENS = [
    b"\0",
    b"\xff\xfe",
    b"\x1b[2J",
    b"-1",
    b"1e999",
    b"nan",
    b"9" * 30,
    b"[bold]",
    b"=1+1",
    b"\n",
    b"'",
    b'"',
    b"(",
]


def change(content: bytes, draw: random.Random) -> bytes:
    """Damage one to four places."""
    for _ in range(draw.randint(1, 4)):
        content = draw.choice(_BLIND)(content, draw)
    return content


def change_members(content: bytes, draw: random.Random) -> bytes:
    """Damage the members of a zip and their names, with checksums that are right."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(changed, "w") as target:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
        struck = draw.randrange(len(members))
        for i, (name, body) in enumerate(members):
            if i == struck and draw.random() < 0.2:
                name = draw.choice(
                    ["../up.npy", "\x1b[2J.npy", "[red].npy", "a/../b.npy", ".npy", "a\nb.npy", name[:-1] + "é"]
                )
            if not (i == struck and draw.random() < 0.05):
                target.writestr(name, change(body, draw) if i == struck else body)
    return changed.getvalue()


def change_header(content: bytes, draw: random.Random) -> bytes:
    """Damage the first 400 bytes alone, where most files say what they hold."""
    return change(content[:400], draw) + content[400:]


def change_tar(content: bytes, draw: random.Random) -> bytes:
    """Damage a field of one of the headers of a tar, with a checksum that is right."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        starts = [member.offset for member in archive]
    start = draw.choice(starts)
    header = bytearray(content[start : start + 512])
    field, width = draw.choice([(0, 100), (124, 12), (124, 12), (156, 1), (157, 100), (257, 8), (345, 155)])
    values = [b"\x80" + b"\xff" * 11, b"\xff" * 12, b"77777777777", b"-1", b"..", b"/etc/x", b"xgLKSDV", b"\x1b[2J"]
    value = draw.choice(values)[:width]
    at = draw.randrange(len(value)) if field == 156 else 0
    header[field : field + width] = value[at : at + width].ljust(width, b"\0")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return content[:start] + bytes(header) + content[start + 512 :]


def _flip(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return content
    at = draw.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _remove(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + content[at + draw.randint(1, 16) :]


def _repeat(content: bytes, draw: random.Random) -> bytes:
    at, length = draw.randrange(len(content) + 1), draw.randint(1, 200)
    return content[:at] + content[at : at + length] * draw.choice([2, 2, 50]) + content[at + length :]


def _overwrite(content: bytes, draw: random.Random) -> bytes:
    at, value = draw.randrange(len(content) + 1), draw.choice(_EXTREMES)
    return content[:at] + value + content[at + len(value) :]


def _insert(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + draw.choice(_TOKENS) + content[at:]


_BLIND: list[Mutation] = [_flip, _flip, _cut, _remove, _repeat, _overwrite, _insert]
