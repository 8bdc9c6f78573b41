"""What the first bytes of a file say it is, whatever its name: never a table, or perhaps JSON.

Folders of exports hold what people leave there. A picture between bills is no bill and no reason to stop; a bill that
is damaged is. So only what cannot have been a table is called a stranger.
"""

import codecs
import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from ingest.errors import SchemaChanged

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
_LOOKED_AT = 64 << 10
_HEAD = 64
_BEGINNINGS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"RIFF": "an image or a recording",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"SQLite format 3": "an SQLite database",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x7fELF": "a program",
}


def is_gzipped(path: Path) -> bool:
    """Whether a file is packed, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(2) == GZIP


def open_bytes(path: Path) -> BinaryIO:
    """A file's bytes, unpacked where it is gzipped, whatever its name."""
    return cast(BinaryIO, gzip.open(path, "rb")) if is_gzipped(path) else path.open("rb")


def refuse_stranger(path: Path, name: str) -> None:
    """Raise SchemaChanged for a file that is neither text nor Parquet."""
    kind = _stranger(_beginning(path, _HEAD))
    if kind is not None:
        raise SchemaChanged(
            f"{name} is no CSV, JSON or Parquet file: it is {kind}.", "Unpack an archive; leave other files out."
        )


def starts_as_json(path: Path) -> bool:
    """Whether a file begins as JSON does; true where it cannot be read, so that reading it says why."""
    start = _beginning(path, _LOOKED_AT)
    return start is None or _is_json(start.removeprefix(codecs.BOM_UTF8))


def holds_json(path: Path) -> bool:
    """Whether a line of a file's beginning may be JSON: the first one of a log may be broken. True as above."""
    start = _beginning(path, _LOOKED_AT)
    if start is None:
        return True
    is_text = _stranger(start) is None and not start.startswith(PARQUET)
    return is_text and any(_is_json(line) for line in start.removeprefix(codecs.BOM_UTF8).split(b"\n"))


def _is_json(text: bytes) -> bool:
    return text.lstrip()[:1] in (b"{", b"[")


def _beginning(path: Path, size: int) -> bytes | None:
    try:
        with open_bytes(path) as stream:
            return stream.read(size)
    except (OSError, EOFError, zlib.error):
        return None


def _stranger(start: bytes | None) -> str | None:
    """What a file is that cannot be a table; None where it may be one."""
    if start is None or start.startswith((PARQUET, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    known = next((kind for magic, kind in _BEGINNINGS.items() if start.startswith(magic)), None)
    return known or ("of bytes that are no text" if b"\0" in start[:_HEAD] else None)
