"""The demo's one clock: a small JSON file that every local cloud reads before it answers."""

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path


def parse_utc(text: str) -> datetime:
    """An aware UTC time from ISO 8601 text; raises ValueError when the text names no time zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; write it as 2026-11-18T06:00:00Z")
    return moment.astimezone(UTC)


def format_utc(moment: datetime) -> str:
    """ISO 8601 with a Z, to the second or, where there are any, to the microsecond."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def write_atomically(path: Path, text: str) -> None:
    """Replace the file in one step, so that a reader sees the old text or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


class Clock:
    """The as-of time in a `clock.json` (`{"as_of": "...Z"}`), read anew whenever that file changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._as_of: datetime | None = None

    def now(self) -> datetime:
        """The current as-of time, aware and in UTC; raises FileNotFoundError when no world was generated."""
        status = self.path.stat()
        # A replaced file may carry the same time stamp as the one before it; its inode differs.
        stamp = (status.st_mtime_ns, status.st_ino)
        with self._lock:
            if self._as_of is None or stamp != self._stamp:
                self._as_of = parse_utc(json.loads(self.path.read_text(encoding="utf-8"))["as_of"])
                self._stamp = stamp
            return self._as_of

    def set(self, as_of: datetime) -> None:
        """Move the clock for every reader of the file; forwards shows later bills, backwards hides them."""
        if as_of.tzinfo is None:
            raise ValueError("the clock needs a time with a time zone")
        write_atomically(self.path, json.dumps({"as_of": format_utc(as_of)}) + "\n")
