"""The published file, opened read-only: every statement the dashboard runs is a file in ``queries/``.

The file is replaced by rename while it is open here, so each read first compares the file's identity (inode, time,
size) and reopens when it changed. Results are cached under that identity: yesterday's answer is never shown for
today's file. Money leaves as ``Decimal``; nothing is summed outside SQL.
"""

import os
import re
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import duckdb
import streamlit as st

QUERIES: Final = Path(__file__).parent / "queries"
_PARAMETER: Final = re.compile(r"\$([a-z_]+)")
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": "2",
    "memory_limit": "512MB",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}

Row = dict[str, Any]
Rows = tuple[Row, ...]
Parameters = Mapping[str, object]


class StoreError(Exception):
    """The published file cannot be read; the message is one sentence for the person at the page."""


class PublicationMissing(StoreError):
    """Nothing has been published in this home."""


class PublicationOutdated(StoreError):
    """The file lacks a table or column that the page needs."""


class PublicationReplaced(StoreError):
    """A new file was swapped in after this page began; the page has to start again."""


def home() -> Path:
    """The home named by ``INFERLEDGER_HOME``, else ``.inferledger`` below the working directory."""
    return Path(os.environ.get("INFERLEDGER_HOME", ".inferledger"))


def published_path() -> Path:
    """Where the published file is expected."""
    return home() / "published" / "inferledger.duckdb"


@cache
def query_text(name: str) -> str:
    """The statement in ``queries/<name>.sql``, preceded by the views of ``queries/views`` that it reads."""
    text = _statement(QUERIES / f"{name}.sql")
    views = [
        f"{path.stem} as (\n{_statement(path)}\n)"
        for path in sorted((QUERIES / "views").glob("*.sql"))
        if re.search(rf"\b(?:from|join) {path.stem}\b", text)
    ]
    if not views:
        return text
    opening = "with " + ",\n".join(views)
    return f"{opening},\n{text[5:]}" if text.startswith("with ") else f"{opening}\n{text}"


def _statement(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


class Published:
    """One published file. Reads are serialised: a second handle on a replaced file would keep the old one alive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._identity: str | None = None

    def identity(self) -> str:
        """A text that changes whenever the file is replaced.

        Raises:
            PublicationMissing: there is no file.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError as error:
            raise PublicationMissing(
                f"Nothing has been published yet: {self.path} does not exist. "
                "Run `inferledger run` (or `inferledger demo`), or set INFERLEDGER_HOME to the home with the data."
            ) from error
        return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"

    def fetch(self, name: str, parameters: Parameters, *, identity: str) -> Rows:
        """Run ``queries/<name>.sql`` on the file known by ``identity``.

        Raises:
            PublicationReplaced: the file is no longer that one.
            PublicationOutdated: a table or column of the contract is not in it.
            StoreError: it is not a readable DuckDB file.
        """
        text = query_text(name)
        wanted = {key: parameters[key] for key in dict.fromkeys(_PARAMETER.findall(text))}
        with self._lock:
            connection = self._open(identity)
            try:
                answer = connection.execute(text, wanted or None)
                names = [column[0] for column in answer.description or []]
                return tuple(dict(zip(names, values, strict=True)) for values in answer.fetchall())
            except (duckdb.CatalogException, duckdb.BinderException) as error:
                raise PublicationOutdated(
                    f"The published file is of another version than this dashboard ({_first_line(error)}). "
                    "Run `inferledger run` to publish it anew."
                ) from error

    def _open(self, identity: str) -> duckdb.DuckDBPyConnection:
        if self.identity() != identity:
            raise PublicationReplaced("A newer file was published while this page was being drawn; open it again.")
        if self._connection is not None and self._identity == identity:
            return self._connection
        self.close()
        try:
            self._connection = duckdb.connect(str(self.path), read_only=True, config=_SETTINGS)
        except duckdb.Error as error:
            raise StoreError(
                f"{self.path} is not a file this dashboard can read ({_first_line(error)}). "
                "Run `inferledger publish` to write it anew."
            ) from error
        self._identity = identity
        return self._connection

    def close(self) -> None:
        """Let the file go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("Catalog Error: ").removeprefix("Binder Error: ").rstrip(".!")


@st.cache_resource(max_entries=4, ttl=86_400, show_spinner=False)
def published(path: str) -> Published:
    """The one reader of ``path`` in this process."""
    return Published(Path(path))


@st.cache_resource(max_entries=512, ttl=3_600, show_spinner=False)
def _cached(path: str, identity: str, name: str, parameters: tuple[tuple[str, object], ...]) -> Rows:
    return published(path).fetch(name, dict(parameters), identity=identity)


def current_identity() -> str:
    """Identity of the file as it lies there now; see ``Published.identity``."""
    return published(str(published_path())).identity()


def rows(name: str, parameters: Parameters | None = None) -> Rows:
    """Rows of ``queries/<name>.sql`` from the publication this page began with, cached for an hour.

    Money is ``Decimal``, unknown is ``None``. Only the parameters that the statement names count, so pages share
    answers. The rows are shared by all readers: copy before changing one.
    """
    path = str(published_path())
    identity = cast(str, st.session_state.setdefault("publication_identity", current_identity()))
    named = set(_PARAMETER.findall(query_text(name)))
    chosen = tuple(sorted((key, value) for key, value in (parameters or {}).items() if key in named))
    return _cached(path, identity, name, chosen)
