"""Rows of AWS billing files: what each must have to be a charge, and what a load notes on its way.

A row without a readable cost, currency, payer, period or time of use is set apart with its reason and, where it can be
read, its cost. So is one with an amount or quantity that is no number: read as anything else it would be a guess.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ingest.file_rows import table_batches
from ingest.quarantine import Quarantine
from ingest.sources.aws_cur_schema import TAGS_OF_LEGACY, Layout

pc: Any = pyarrow.compute
_NUMBER = r"^[+-]?([0-9]{1,26}\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]00:?00)?)?")
_MOST = 1e24
_LEGACY_TAG = "resourceTags/"
_YEARS = range(2006, 2101)  # AWS sold nothing before


@dataclass
class Seen:
    """What passed by while files were read: the end of the newest usage by payer, and the Bedrock resources."""

    watermarks: dict[str, datetime] = field(default_factory=dict[str, datetime])
    workloads: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])


def read_batches(path: Path, name: str, layout: Layout, quarantine: Quarantine) -> Iterator[pa.Table]:
    """The rows of one file as its layout lands them, nothing judged yet.

    Raises:
        CorruptFile, EmptyAnswer: it cannot be read to its end.
    """
    for table in table_batches(path, name, quarantine):
        rows = _as_text(table) if layout.is_text else table
        yield _with_tags(rows) if TAGS_OF_LEGACY in layout.contract.schema.names else rows


def sound_rows(table: pa.Table, layout: Layout, file: str, quarantine: Quarantine) -> pa.Table:
    """The rows that are charges; the others go to `quarantine`."""
    reasons: Any = pa.nulls(table.num_rows, pa.string())
    for name, check, needed in _checks(layout):
        if name in table.column_names:
            reasons = pc.coalesce(reasons, check(table[name].combine_chunks(), name, needed))
    bad = pc.is_valid(reasons)
    if not pc.any(bad).as_py():
        return table
    apart = table.filter(bad).append_column("_reason", reasons.filter(bad))
    for row in apart.to_pylist():
        _set_apart(row, layout, file, quarantine)
    return table.filter(pc.invert(bad))


def note(table: pa.Table, layout: Layout, seen: Seen) -> None:
    """Note how far usage reaches and which Bedrock resources appear."""
    end = layout.moments[0]
    if not {layout.line_type, end, layout.resource, layout.sub_account, layout.account} <= set(table.column_names):
        return
    usage = table.filter(pc.equal(table[layout.line_type], "Usage"))
    newest: Any = usage.group_by([layout.account]).aggregate([(end, "max")])
    for row in newest.to_pylist():
        moment, payer = as_moment(row[f"{end}_max"]), row[layout.account]
        if moment is not None:
            seen.watermarks[payer] = max(moment, seen.watermarks.get(payer, moment))
    pairs = usage.filter(pc.match_substring(usage[layout.resource], ":bedrock:"))
    named: Any = pairs.group_by([layout.sub_account, layout.resource]).aggregate([])
    for row in named.to_pylist():
        resource = str(row[layout.resource])
        parts = resource.split(":", 5)
        if len(parts) == 6 and row[layout.sub_account]:
            model_id = resource if parts[5].startswith("provisioned-model/") else parts[5].partition("/")[2]
            seen.workloads.add((row[layout.sub_account], parts[3], model_id))


def as_moment(value: object) -> datetime | None:
    """A time of the bill, text or not, as aware UTC; None when it is none."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.year in _YEARS else None
    text = str(value or "").strip()
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text[:19])
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.year in _YEARS else None


def month_of(value: object) -> date | None:
    """First day of the month of a time; None when it is none."""
    moment = as_moment(value)
    return None if moment is None else moment.date().replace(day=1)


def _checks(layout: Layout) -> Iterator[tuple[str, Any, bool]]:
    yield layout.cost, _no_number, True
    for name in layout.moments:
        yield name, _no_moment, True
    yield layout.account, _absent, True
    yield layout.currency, _absent, True
    for name in layout.numbers:
        yield name, _no_number, False


def _no_number(column: Any, name: str, needed: bool) -> Any:
    """The reason of each value that is no finite number, NULL for the others."""
    nothing = pa.scalar(None, pa.string())
    if not pa.types.is_string(column.type):
        wrong = pc.invert(pc.fill_null(pc.is_finite(column), not needed))
        too_large = pc.fill_null(pc.greater(pc.abs(column), _MOST), False)
        return pc.if_else(pc.or_(wrong, too_large), pa.scalar(f"{name} is no number"), nothing)
    text = pc.utf8_trim_whitespace(column)
    blank = _is_blank(text)
    fits = pc.fill_null(pc.match_substring_regex(text, _NUMBER), False)
    values = pc.if_else(fits, pc.utf8_ltrim(text, "+"), pa.scalar(None, pa.string())).cast(pa.float64())
    fits = pc.and_(fits, pc.fill_null(pc.less(pc.abs(values), _MOST), False))
    wrong = pc.invert(pc.or_(fits, blank)) if not needed else pc.invert(fits)
    told = pc.binary_join_element_wise(name, " is '", pc.utf8_slice_codeunits(pc.fill_null(text, ""), 0, 60),
                                       "', which is no number", "")  # fmt: skip
    return pc.if_else(wrong, told, nothing)


def _no_moment(column: Any, name: str, _: bool) -> Any:
    """The reason of each value that is no time of this century, NULL for the others; few values are distinct."""
    distinct = pc.unique(column)
    told = [
        None if as_moment(value) is not None else f"{name} is {str(value)[:60]!r}, which is no date"
        for value in distinct.to_pylist()
    ]
    return pa.array(told, pa.string()).take(pc.index_in(column, value_set=distinct))


def _absent(column: Any, name: str, _: bool) -> Any:
    nothing = pa.scalar(None, pa.string())
    return pc.if_else(_is_blank(pc.utf8_trim_whitespace(column)), pa.scalar(f"{name} is empty"), nothing)


def _is_blank(text: Any) -> Any:
    """FOCUS files write an unknown value as the text NULL."""
    return pc.or_(pc.is_null(text), pc.is_in(text, value_set=pa.array(["", "NULL"])))


def _set_apart(row: dict[str, Any], layout: Layout, file: str, quarantine: Quarantine) -> None:
    reason = row.pop("_reason")
    cost, account, currency = (row.get(name) for name in (layout.cost, layout.account, layout.currency))
    quarantine.put(
        file=file,
        reason=reason,
        row=json.dumps({name: value for name, value in row.items() if value is not None}, default=str),
        amount=_amount(cost),
        currency=currency,
        billing_account_id=account,
        billing_month=month_of(row.get(layout.period)),
    )


def _amount(cost: object) -> Decimal | None:
    text = repr(cost) if isinstance(cost, float) else str(cost or "").strip()
    if not re.fullmatch(_NUMBER, text) or abs(float(text)) >= _MOST:
        return None
    return Decimal(text)


def _as_text(table: pa.Table) -> pa.Table:
    """Every column as text: a file that somebody made Parquet of text or decimals keeps its digits."""
    columns: list[Any] = []
    for column in table.columns:
        kind = column.type
        if pa.types.is_string(kind):
            columns.append(column)
        elif pa.types.is_nested(kind):
            texts = [None if value is None else json.dumps(_plain(value), default=str) for value in column.to_pylist()]
            columns.append(pa.array(texts, pa.string()))
        elif pa.types.is_timestamp(kind):
            columns.append(pc.strftime(column.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%dT%H:%M:%SZ"))
        else:
            columns.append(column.cast(pa.string()))
    return pa.Table.from_arrays(columns, names=table.column_names)


def _plain(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    items = cast(list[Any], value)
    return dict(items) if all(isinstance(item, tuple) for item in items) else items


def _with_tags(table: pa.Table) -> pa.Table:
    """The legacy report has a column for each tag; one map beside them can be read whatever the tags are called."""
    names = [name for name in table.column_names if name.startswith(_LEGACY_TAG)]
    kind = pa.map_(pa.string(), pa.string())
    nothing: list[list[tuple[str, str]]] = [[]] * table.num_rows
    if not names or not table.num_rows:
        return table.append_column(TAGS_OF_LEGACY, pa.array(nothing, kind))
    rows = table.num_rows
    by_column: Any = pa.concat_arrays([table[name].combine_chunks() for name in names])
    values = by_column.take(pa.array(np.arange(rows * len(names)).reshape(len(names), rows).T.ravel()))
    keys: Any = pa.array([name.removeprefix(_LEGACY_TAG) for name in names])
    keys = keys.take(pa.array(np.tile(np.arange(len(names)), rows)))
    kept = pc.and_(pc.is_valid(values), pc.fill_null(pc.not_equal(values, ""), False))
    counts = np.asarray(kept.to_numpy(zero_copy_only=False)).reshape(rows, len(names)).sum(axis=1)
    offsets: Any = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype("int32"))
    tags = cast(Any, pa.MapArray).from_arrays(offsets, keys.filter(kept), values.filter(kept))
    return table.append_column(TAGS_OF_LEGACY, tags)
