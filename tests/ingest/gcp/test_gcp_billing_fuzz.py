"""Exported files as they really come: broken, cut, doubled, shuffled. Every row and every dollar is somewhere."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.config import load_sources
from ingest.contracts import Context
from ingest.errors import InferledgerError
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import gcp_billing
from ingest.sources.gcp_billing_rows import EXPORT_ROWS
from tests.ingest.gcp.exported import write_csv, write_json_lines, write_parquet

ROOT = Path(__file__).parents[3]
SOURCES = load_sources(ROOT / "config" / "sources.yml")
QUICK = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
AMOUNTS = st.decimals(min_value=-1000, max_value=1000, places=6)


def _row(cost: Any, credit: Any, month: str = "202611", text: str = "x") -> dict[str, Any]:
    return {
        "billing_account_id": "01A2B3-C4D5E6-F7A8B9",
        "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
        "sku": {"id": "K", "description": text},
        "usage_start_time": "2026-11-05 03:00:00 UTC",
        "usage_end_time": "2026-11-05 04:00:00 UTC",
        "project": {"id": "p", "number": "1", "name": text, "labels": []},
        "labels": [{"key": "team", "value": text}],
        "location": {"region": "us-central1"},
        "resource": {"name": None},
        "export_time": "2026-11-06 00:00:00 UTC",
        "cost": cost,
        "currency": "EUR",
        "currency_conversion_rate": 0.8571,
        "usage": {"amount": 5.0, "unit": "requests", "amount_in_pricing_units": 5.0, "pricing_unit": "requests"},
        "credits": [] if credit is None else [{"amount": credit, "type": "DISCOUNT"}],
        "invoice": {"month": month},
        "cost_type": "regular",
    }


def _landed(work: Any) -> tuple[int, Decimal, int, Decimal]:
    """Rows and dollars landed, and set apart, after `work` wrote files; -1 rows where the load stopped."""
    with TemporaryDirectory() as name:
        home = Path(name)
        run = Run("fuzz", datetime(2026, 11, 18, tzinfo=UTC))
        context = Context(Settings(home=home), SOURCES, Landing(str(home / "landing"), run), run)
        (home / "in").mkdir()
        work(home / "in")
        try:
            with open_folder(str(home / "in"), context.settings) as folder:
                gcp_billing.load_files(context, folder, None)
        except InferledgerError as error:
            assert error.message.endswith(".")
            assert error.remedy
            return -1, Decimal(0), 0, Decimal(0)
        rows = context.landing.read(EXPORT_ROWS).to_pylist()
        apart = context.landing.read(quarantine_contract("gcp_billing")).to_pylist()
        money = sum((Decimal(repr(row["cost"])) for row in rows), Decimal(0))
        money += sum((Decimal(repr(item["amount"])) for row in rows for item in row["credits"]), Decimal(0))
        known = sum((Decimal(row["amount"]) for row in apart if row["amount"] is not None), Decimal(0))
        return len(rows), money, len(apart), known


GOOD = st.tuples(AMOUNTS, st.none() | AMOUNTS, st.text(max_size=12).filter(lambda text: "\x00" not in text))


@QUICK
@given(
    good=st.lists(GOOD, min_size=12, max_size=20),
    bad=st.lists(st.sampled_from(["month", "account", "currency", "time"]), max_size=2),
    form=st.sampled_from(["parquet", "json", "csv"]),
    order=st.randoms(),
)
def test_rows_and_dollars_in_are_landed_or_set_apart(good, bad, form, order):
    rows = [_row(float(cost), None if credit is None else float(credit), text=text) for cost, credit, text in good]
    for kind in bad:
        broken = _row(7.5, -0.5)
        broken |= {
            "month": {"invoice": {"month": "2026-11"}},
            "account": {"billing_account_id": None},
            "currency": {"currency": "euro"},
            "time": {"usage_start_time": None},
        }[kind]
        rows.append(broken)
    order.shuffle(rows)

    def work(folder: Path) -> None:

        half = len(rows) // 2
        for number, part in enumerate((rows[:half], rows[half:])):
            # the two files differ even where their rows do not
            if form == "json":
                write_json_lines([row | {"part": number} for row in part], folder / f"part-{number}.json")
            else:
                writer = write_parquet if form == "parquet" else write_csv
                writer(pa.Table.from_pylist([row | {"part": number} for row in part]), folder / f"part-{number}.{form}")

    landed, money, apart, known = _landed(work)
    sent = sum((cost + (credit or 0) for cost, credit, _ in good), Decimal(0)) + 7 * len(bad)
    lost_to_line_breaks = 0 if form != "csv" else apart - len(bad)
    assert landed + apart == len(rows)
    if not lost_to_line_breaks:
        assert (landed, apart) == (len(good), len(bad))
        assert money + known == sent


@QUICK
@given(
    costs=st.lists(AMOUNTS, min_size=3, max_size=8), cut=st.integers(0, 10_000), form=st.sampled_from(["json", "csv"])
)
def test_a_file_that_is_cut_off_loses_no_row_in_silence(costs, cut, form):
    """All whole rows land; the cut one is set apart, or the load stops with a sentence."""

    rows = [_row(float(cost), None) for cost in costs]
    kept: list[int] = []

    def work(folder: Path) -> None:
        path = folder / f"export.{form}"
        if form == "json":
            write_json_lines(rows, path)
        else:
            write_csv(pa.Table.from_pylist(rows), path)
        content = path.read_bytes()
        first = content.index(b"\n")
        cut_at = first + 1 + cut % max(1, len(content) - first - 1)
        path.write_bytes(content[:cut_at])
        body = content[:cut_at].split(b"\n")
        kept.append(len([line for line in body if line.strip()]) - (form == "csv"))

    landed, _, apart, _ = _landed(work)
    assert landed == -1 or landed + apart == kept[0]


@QUICK
@given(
    noise=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=6),
    form=st.sampled_from(["parquet", "json", "csv"]),
)
def test_flipped_bytes_never_crash_and_never_hide_a_row(noise, form):

    rows = [_row(1.5, None, text=f"row {number}") for number in range(12)]
    lines: list[int] = []

    def work(folder: Path) -> None:
        path = folder / f"export.{form}"
        if form == "json":
            write_json_lines(rows, path)
        else:
            (write_parquet if form == "parquet" else write_csv)(pa.Table.from_pylist(rows), path)
        content = bytearray(path.read_bytes())
        for place, value in noise:
            content[place % len(content)] = value
        path.write_bytes(bytes(content))
        text = bytes(content).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines.append(len([line for line in text.split(b"\n") if line.strip()]))

    landed, _, apart, _ = _landed(work)
    if landed >= 0 and form == "json":
        assert landed + apart >= min(lines[0], len(rows))
    if landed >= 0 and form == "parquet":
        assert landed + apart == len(rows)


@QUICK
@given(content=st.binary(max_size=400), name=st.sampled_from(["a.csv", "a.json", "a.json.gz", "a.parquet", "a"]))
def test_any_bytes_at_all_end_in_a_sentence(content, name):
    landed, _, _, _ = _landed(lambda folder: (folder / name).write_bytes(content))
    assert landed == -1


@QUICK
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=6,
    ),
    field=st.sampled_from(["cost", "credits", "invoice", "project", "usage", "labels", "export_time", "currency"]),
)
def test_any_value_in_any_field_lands_or_is_set_apart(value, field):
    rows = [_row(1.0, None, text=str(number)) for number in range(12)]
    rows[5][field] = value

    def work(folder: Path) -> None:
        lines = [json.dumps(row) for row in rows]
        (folder / "export.json").write_text("\n".join(lines) + "\n", encoding="utf-8")

    landed, _, apart, _ = _landed(work)
    assert landed == -1 or landed + apart == len(rows)
