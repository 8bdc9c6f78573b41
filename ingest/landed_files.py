"""What lies in landing: one entry per loaded window, with its row count and the digest of its content.

Read from the names of the files and from their footers; no row is read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from pyarrow import fs

from ingest import arrow
from ingest.landing import CHECKSUM

_PARTS = 5  # source, stream, scope, window_start=..., part.parquet


@dataclass(frozen=True)
class LandedFile:
    """One loaded window of one stream. `checksum` is of the content alone: loading the same rows again keeps it."""

    source: str
    stream: str
    scope: str
    window_start: date
    rows: int
    checksum: str


def landed_files(root: str, wanted: Callable[[str, str, date], bool]) -> Iterator[LandedFile]:
    """The loaded windows below ``root`` that ``wanted(source, stream, window_start)`` picks, in order of name."""
    files, base = fs.FileSystem.from_uri(root) if "://" in root else (fs.LocalFileSystem(), root)
    selector = fs.FileSelector(base, recursive=True, allow_not_found=True)
    for path in sorted(info.path for info in files.get_file_info(selector) if info.path.endswith("/part.parquet")):
        parts = path.split("/")[-_PARTS:]
        source, stream, scope, window = parts[:4]
        if stream.startswith("_") or not window.startswith("window_start="):
            continue
        start = date.fromisoformat(window.partition("=")[2])
        if wanted(source, stream, start):
            rows, metadata = arrow.read_parquet_metadata(path, files)
            yield LandedFile(source, stream, scope, start, rows, metadata.get(CHECKSUM, b"").decode())
