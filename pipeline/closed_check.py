"""Whether a closed month is what was closed: its files against the manifest, the manifest against the state store."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

import state
from ingest.errors import TerminalError
from ingest.settings import Settings
from pipeline.closed_manifest import sha256
from pipeline.closed_tables import read_frozen

_REMEDY = "Restore the folder from a backup."


def require_as_closed(
    settings: Settings, folder: Path, manifest: dict[str, Any], tables: Iterable[str] | None = None
) -> None:
    """Refuse a closed month in which something was changed afterwards.

    Args:
        tables: the tables to check, all of the manifest's when None.

    Raises:
        TerminalError: a file is missing or holds other rows, or the manifest is not the one that the state store knows.
            A store that knows nothing of the closing, as after a move without it, is no objection.
    """
    path = folder / "manifest.json"
    store = state.open_state(settings.database_url)
    try:
        closings = state.find_closed_months(store)
    finally:
        store.close()
    for closing in closings:
        known = (f"{closing.month:%Y-%m}", closing.revision) == (manifest["month"], manifest["revision"])
        if known and closing.manifest_hash != sha256(path.read_text()):
            raise TerminalError(f"{path} is not what {closing.closed_by} closed: its hash is another.", _REMEDY)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name in manifest["tables"] if tables is None else tables:
            told, frozen = manifest["tables"][name], folder / f"{name}.parquet"
            if not frozen.exists() or read_frozen(connection, frozen, told["columns"]).sha256 != told["sha256"]:
                raise TerminalError(f"{frozen} is not what its manifest says.", _REMEDY)
