"""Landing: what the provider said, as Parquet, one file per source, stream, scope and window, replaced whole.

    <root>/<source>/<stream>/<scope>/window_start=YYYY-MM-DD/part.parquet

A load is written aside, checked, and moved over the earlier file in one step, so that a reader sees the old or the
new window and a crash leaves the old one. Loading a window twice changes nothing: equal content keeps the file.
``<root>`` is a folder or an object-store URL that pyarrow knows (``s3://``, ``gs://``).
"""

import hashlib
import json
import logging
import re
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from ingest import arrow
from ingest.contracts import STATUS_SCHEMA, WINDOW_FIELDS, LoadResult, StreamContract
from ingest.errors import ConfigError, EmptyAnswer, Shrunk
from ingest.restatement import RESTATEMENT_SCHEMA, gone_rows
from ingest.run import Run, Window
from ingest.shape import conform, landed, serialised, tables, with_extras

logger = logging.getLogger(__name__)
SHRINK_GUARD_PCT = 80
CHECKSUM = b"inferledger.checksum"


class Landing:
    """Reads and writes one landing root for one run.

    Args:
        root: folder or object-store URL.
        run: whose ``run_id`` and ``as_of`` mark the rows.
        accept_shrink: let a window lose more than a fifth of its rows.

    Raises:
        ConfigError: the root is no folder or URL that pyarrow can open.
    """

    def __init__(self, root: str, run: Run, *, accept_shrink: bool = False) -> None:
        self.run = run
        self._accept_shrink = accept_shrink
        try:
            self._fs, self._root = fs.FileSystem.from_uri(root) if "://" in root else (fs.LocalFileSystem(), root)
        except (pa.ArrowInvalid, OSError) as error:
            raise ConfigError(
                f"Landing {root!r} cannot be opened: {error}.", "Give a folder or s3://bucket/prefix."
            ) from error

    def write(
        self,
        contract: StreamContract,
        *,
        scope: str,
        window: Window,
        batches: Iterable[pa.Table | pa.RecordBatch],
    ) -> LoadResult:
        """Replace one window of one stream by ``batches``.

        Args:
            scope: account, subscription, table or export that the rows speak for.
            window: half-open UTC span that the rows cover completely.

        Raises:
            EmptyAnswer: no row came and the contract does not allow that.
            SchemaChanged: a required field is missing or has another type.
            Shrunk: under 80 % of the rows of the earlier load of this window.
        """
        folder = f"{self._root}/{contract.source}/{contract.stream}/{_safe(scope)}/window_start={window.start:%Y-%m-%d}"
        path, aside = f"{folder}/part.parquet", f"{folder}/.part-{self.run.run_id}.tmp"
        where = f"{contract.source}.{contract.stream} of {scope} for {window}"
        self._fs.create_dir(folder, recursive=True)
        try:
            rows, checksum = self._write_aside(aside, contract, window, batches, where)
            earlier_rows, earlier_checksum = self._earlier(path)
            self._check(contract, rows, earlier_rows, where)
            changed = checksum != earlier_checksum
            gone = 0
            if changed:
                if earlier_rows and contract.key:
                    gone = self._record_gone(contract, scope, window, earlier=path, newer=aside)
                self._fs.move(aside, path)
                logger.info("loaded window", extra={"where": where, "rows": rows})
        finally:
            self._remove(aside)
        return LoadResult(contract.source, contract.stream, scope, window.start, rows, checksum, changed, gone)

    def read(
        self, contract: StreamContract, *, scope: str | None = None, window_starts: Collection[str] | None = None
    ) -> pa.Table:
        """All landed rows of a stream (of one scope, of windows that start on `window_starts`), in the contract's
        columns; empty when nothing landed.
        """
        base = f"{self._root}/{contract.source}/{contract.stream}" + (f"/{_safe(scope)}" if scope else "")
        selector = fs.FileSelector(base, recursive=True, allow_not_found=True)
        paths = sorted(info.path for info in self._fs.get_file_info(selector) if info.path.endswith("/part.parquet"))
        if window_starts is not None:
            paths = [path for path in paths if path.split("/")[-2].partition("=")[2] in window_starts]
        schema = landed(contract.schema)
        loaded = [arrow.read_parquet(path, self._fs) for path in paths]
        known = [table.select([name for name in table.column_names if name in schema.names]) for table in loaded]
        found = [conform(table, schema, (), path) for table, path in zip(known, paths, strict=True)]
        return pa.concat_tables(found) if found else schema.empty_table()

    def windows(self, contract: StreamContract, scope: str) -> list[str]:
        """Start dates (``YYYY-MM-DD``) of the windows that are landed for ``scope``, oldest first."""
        selector = fs.FileSelector(
            f"{self._root}/{contract.source}/{contract.stream}/{_safe(scope)}", allow_not_found=True
        )
        return sorted(
            info.base_name.partition("=")[2] for info in self._fs.get_file_info(selector) if "=" in info.base_name
        )

    def read_state(self, source: str, name: str) -> dict[str, Any]:
        """What the source remembered under ``name`` (fingerprints, entity tags); empty when nothing."""
        path = f"{self._root}/{source}/_state/{_safe(name)}.json"
        if self._fs.get_file_info(path).type != fs.FileType.File:
            return {}
        with self._fs.open_input_stream(path) as stream:
            return cast(dict[str, Any], json.loads(stream.read()))

    def write_state(self, source: str, name: str, state: dict[str, Any]) -> None:
        """Remember ``state`` under ``name`` for the next run."""
        path = f"{self._root}/{source}/_state/{_safe(name)}.json"
        self._fs.create_dir(path.rpartition("/")[0], recursive=True)
        with self._fs.open_output_stream(f"{path}.tmp") as stream:
            stream.write(json.dumps(state, sort_keys=True, indent=1).encode())
        self._fs.move(f"{path}.tmp", path)

    def report(self, source: str, account_id: str, watermark: datetime | None, message: str | None = None) -> None:
        """Say how far ``source`` got for one account.

        Args:
            watermark: end of the newest usage seen, aware UTC, None when nothing was seen yet.
            message: one sentence for people when something needs their eye.
        """
        row = {
            "source": source,
            "account_id": account_id,
            "watermark": watermark,
            "last_success_at": self.run.as_of,
            "message": message,
        }
        path = f"{self._root}/{source}/_status/{_safe(account_id)}/part.parquet"
        self._put(path, pa.Table.from_pylist([row], schema=STATUS_SCHEMA))

    def ensure_anchors(self, contracts: Iterable[StreamContract]) -> None:
        """Put a typed empty file beside each stream, so that models run on a home that never saw the source."""
        for contract in contracts:
            is_bare = contract.stream in ("_status", "_restatements")
            schema = contract.schema if is_bare else landed(contract.schema)
            path = f"{self._root}/{contract.source}/{contract.stream}/_anchor.parquet"
            exists = self._fs.get_file_info(path).type == fs.FileType.File
            if not exists or not arrow.read_parquet_schema(path, self._fs).equals(schema):
                self._put(path, schema.empty_table())

    def sweep(self) -> None:
        """Remove what a killed run left aside."""
        selector = fs.FileSelector(self._root, recursive=True, allow_not_found=True)
        for info in self._fs.get_file_info(selector):
            if info.type == fs.FileType.File and info.path.endswith(".tmp"):
                self._fs.delete_file(info.path)

    def _record_gone(self, contract: StreamContract, scope: str, window: Window, *, earlier: str, newer: str) -> int:
        """Write down what the earlier load had and the newer one lacks; returns the number of such rows."""
        rows, amount = gone_rows(contract, self._fs, earlier, newer)
        if rows:
            row = {
                "source": contract.source,
                "stream": contract.stream,
                "scope": scope,
                "window_start": window.start,
                "restated_at": self.run.as_of,
                "run_id": self.run.run_id,
                "gone_rows": rows,
                "gone_amount": amount,
            }
            path = (
                f"{self._root}/{contract.source}/_restatements/{contract.stream}-{_safe(scope)}/"
                f"{window.start:%Y-%m-%d}-{_safe(self.run.run_id)}.parquet"
            )
            self._put(path, pa.Table.from_pylist([row], schema=RESTATEMENT_SCHEMA))
            logger.warning("rows are gone", extra={"rows": rows, "amount": amount})
        return rows

    def _put(self, path: str, table: pa.Table) -> None:
        self._fs.create_dir(path.rpartition("/")[0], recursive=True)
        arrow.write_parquet(table, f"{path}.tmp", self._fs)
        self._fs.move(f"{path}.tmp", path)

    def _write_aside(
        self,
        aside: str,
        contract: StreamContract,
        window: Window,
        batches: Iterable[pa.Table | pa.RecordBatch],
        where: str,
    ) -> tuple[int, str]:
        digest, rows, schema, writer = hashlib.sha256(), 0, contract.schema, None
        try:
            for table in tables(batches):
                if writer is None:
                    schema = with_extras(contract.schema, table.schema, where)
                    writer = pq.ParquetWriter(aside, landed(schema), filesystem=self._fs)
                conformed = conform(table, schema, contract.required, where)
                digest.update(serialised(conformed))
                rows += conformed.num_rows
                writer.write_table(self._marked(conformed, window))
            if writer is None:
                writer = pq.ParquetWriter(aside, landed(schema), filesystem=self._fs)
            digest.update(str(schema).encode())
            writer.add_key_value_metadata({CHECKSUM.decode(): digest.hexdigest()})
        finally:
            if writer is not None:
                writer.close()
        return rows, digest.hexdigest()

    def _marked(self, table: pa.Table, window: Window) -> pa.Table:
        values = (window.start, window.end, self.run.as_of, self.run.run_id)
        for field, value in zip(WINDOW_FIELDS, values, strict=True):
            table = table.append_column(field, arrow.constant(value, table.num_rows, field.type))
        return table

    def _earlier(self, path: str) -> tuple[int | None, str | None]:
        if self._fs.get_file_info(path).type != fs.FileType.File:
            return None, None
        rows, metadata = arrow.read_parquet_metadata(path, self._fs)
        checksum = metadata.get(CHECKSUM)
        return rows, checksum.decode() if checksum else None

    def _check(self, contract: StreamContract, rows: int, earlier: int | None, where: str) -> None:
        if rows == 0 and not contract.empty_ok:
            raise EmptyAnswer(
                f"{where}: the provider sent no row.",
                "Check that the export or metric is on and the window has passed.",
            )
        guarded = earlier is not None and not contract.may_shrink and not self._accept_shrink
        if guarded and earlier is not None and rows * 100 < earlier * SHRINK_GUARD_PCT:
            raise Shrunk(
                f"{where}: {rows} rows came where {earlier} are landed, under {SHRINK_GUARD_PCT} %.",
                "The earlier load stays. If the provider really took rows back, run `inferledger ingest "
                f"{contract.source} --accept-shrink`.",
            )

    def _remove(self, path: str) -> None:
        if self._fs.get_file_info(path).type == fs.FileType.File:
            self._fs.delete_file(path)


def _safe(scope: str) -> str:
    """``scope`` as a folder name."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", scope)
