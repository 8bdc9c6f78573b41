"""Exported cost files damaged at random: a sentence or whole money, never a crash and never a silent loss."""

import gzip
import io
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
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
from ingest.sources import azure_cost
from ingest.sources.azure_cost_shapes import EA, FOCUS

ROOT = Path(__file__).parents[3]
AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
CONFIG = load_sources(ROOT / "config" / "sources.yml")
COLUMNS = (
    "BillingAccountId", "SubscriptionId", "Date", "MeterCategory", "MeterName", "Quantity", "UnitOfMeasure",
    "ResourceId", "ChargeType", "PricingModel", "Cost", "BillingCurrency", "Tags",
)  # fmt: skip
few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)

costs = st.one_of(
    st.decimals(-1000, 1000, places=8).map(str),
    st.sampled_from(["1e-7", "0", "-0.00", ".5", "7.", "+2"]),
)
odd = st.sampled_from(["", "NaN", "1,5", "abc", "1e400", "--1", "∞", "1_000", "0x10", "9" * 40])
days = st.sampled_from(["11/03/2026", "2026-11-04", "2026-11-05T00:00:00Z", "11/6/2026 00:00"])
odd_days = st.sampled_from(["", "13/40/2026", "yesterday", "2026-02-30", "11-03-2026"])
words = st.sampled_from(["", "a", 'with "quotes"', "line\nbreak", "comma, inside", "ü"])


def line(cost: str, day: str, word: str) -> list[str]:
    return [
        "8611537",
        "sub",
        day,
        "Foundry Models",
        "gpt 5 in",
        "1",
        "1K",
        word,
        "Usage",
        "OnDemand",
        cost,
        "USD",
        '"k": "v"',
    ]


def written(rows: list[list[str]]) -> bytes:
    lines = [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in (list(COLUMNS), *rows)]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")


def outcome(files: dict[str, bytes]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str | None]:
    """What landed, what was set apart, and the sentence it stopped with."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "in").mkdir()
        for name, content in files.items():
            (base / "in" / name).write_bytes(content)
        run = Run("run-1", AS_OF)
        given_settings = Settings(home=base / "home", config_dir=ROOT / "config")
        landing = Landing(given_settings.landing_root, run)
        sentence = None
        try:
            with open_folder(str(base / "in"), given_settings) as opened:
                azure_cost.load_files(Context(given_settings, CONFIG, landing, run), opened, None)
        except InferledgerError as error:
            sentence = error.message
        return landing.read(EA).to_pylist(), landing.read(quarantine_contract("azure_cost")).to_pylist(), sentence


def exact(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < 10**20 and "_" not in text else None


@few
@given(
    good=st.lists(st.builds(line, costs, days, words), min_size=8, max_size=20),
    bad=st.lists(st.one_of(st.builds(line, odd, days, words), st.builds(line, costs, odd_days, words)), max_size=2),
    order=st.randoms(use_true_random=False),
    packed=st.booleans(),
)
def test_every_row_is_landed_or_set_apart_with_its_dollars(good, bad, order, packed):
    rows = [*good, *bad]
    order.shuffle(rows)
    content = written(rows)
    landed, apart, sentence = outcome({"actual.csv.gz": gzip.compress(content)} if packed else {"actual.csv": content})
    if sentence is not None:
        assert (landed, apart) == ([], [])
        assert "rows cannot be taken" in sentence
        return
    assert (len(landed), len(apart)) == (len(good), len(bad))
    known = [exact(row[10]) for row in rows]
    assert sum(Decimal(row["Cost"]) for row in landed) + sum(
        Decimal(row["amount"]) for row in apart if row["amount"] is not None
    ) == sum(amount for amount in known if amount is not None)


@few
@given(
    rows=st.lists(st.builds(line, costs, days, words), min_size=1, max_size=12),
    damage=st.one_of(
        st.tuples(st.just("cut"), st.floats(0, 1)),
        st.tuples(st.just("flip"), st.floats(0, 1)),
        st.tuples(st.just("nul"), st.floats(0, 1)),
        st.tuples(st.just("latin"), st.just(0.5)),
        st.tuples(st.just("utf16"), st.just(0.5)),
        st.tuples(st.just("gz-cut"), st.floats(0, 1)),
        st.tuples(st.just("empty"), st.just(0.0)),
    ),
)
def test_a_damaged_file_lands_no_more_than_it_holds_or_stops_with_a_sentence(rows, damage):
    kind, place = damage
    content = written(rows)
    landed, apart, sentence = outcome({"actual.csv": _damaged(content, kind, place)})
    if sentence is not None:
        assert landed == []
        assert sentence.endswith(".")
    else:
        # a broken quote may tear a value with a line break in it into two rows
        assert len(landed) + len(apart) <= content.count(b"\n") + 1


@few
@given(
    rows=st.lists(st.builds(line, costs, days, words), min_size=2, max_size=10),
    order=st.permutations(range(len(COLUMNS))),
    extra=st.sampled_from(["", "NewColumn", "resourcename"]),
)
def test_columns_in_any_order_and_unknown_ones_land_the_same_money(rows, order, extra):
    header = [COLUMNS[place] for place in order] + ([extra] if extra else [])
    body = [[row[place] for place in order] + (["x"] if extra else []) for row in rows]
    lines = [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in (header, *body)]
    landed, apart, sentence = outcome({"actual.csv": "\n".join(lines).encode()})
    assert (sentence, apart) == (None, [])
    assert sum(Decimal(row["Cost"]) for row in landed) == sum(Decimal(row[10]) for row in rows)


@few
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.parquet", "a.csv.gz", "manifest.json"]))
def test_any_bytes_end_in_a_sentence(content, name):
    landed, _, sentence = outcome({name: content})
    assert landed == []
    assert sentence


@few
@given(st.floats(0, 1), st.booleans())
def test_a_damaged_parquet_file_lands_whole_or_stops(place, flips):
    sink = io.BytesIO()
    columns = {name: [f"{number}" for number in range(50)] for name in FOCUS.schema.names if not name.startswith("_")}
    columns |= {"ChargePeriodStart": ["2026-11-03"] * 50, "BillingPeriodStart": ["2026-11-01"] * 50}
    columns |= {"BillingCurrency": ["USD"] * 50, "ProviderName": ["Microsoft"] * 50, "BillingAccountId": ["1"] * 50}
    columns |= {"x_BillingAccountId": ["1"] * 50}
    pq.write_table(pa.table(columns), sink)
    content = sink.getvalue()
    spot = int(place * (len(content) - 1))
    damaged = content[:spot] + bytes([content[spot] ^ 255]) + content[spot + 1 :] if flips else content[:spot]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "focus.parquet").write_bytes(damaged)
        _ends_well(Path(folder), lambda landed: landed in (0, 50))


def _ends_well(folder: Path, holds: Callable[[int], bool]) -> None:
    run = Run("run-1", AS_OF)
    given_settings = Settings(home=folder / "home", config_dir=ROOT / "config")
    landing = Landing(given_settings.landing_root, run)
    try:
        with open_folder(str(folder / "focus.parquet"), given_settings) as opened:
            azure_cost.load_files(Context(given_settings, CONFIG, landing, run), opened, None)
    except InferledgerError as error:
        assert error.message
    rows, apart = landing.read(FOCUS).num_rows, landing.read(quarantine_contract("azure_cost")).num_rows
    assert holds(rows + apart)


def _damaged(content: bytes, kind: str, place: float) -> bytes:
    spot = int(place * (len(content) - 1))
    if kind == "cut":
        return content[:spot]
    if kind == "flip":
        return content[:spot] + bytes([content[spot] ^ 0x5A]) + content[spot + 1 :]
    if kind == "nul":
        return content[:spot] + b"\x00" + content[spot:]
    if kind == "latin":
        return content.decode("utf-8-sig").replace("gpt", "gpté").encode("latin-1", "replace")
    if kind == "utf16":
        return content.decode("utf-8-sig").encode("utf-16")
    if kind == "gz-cut":
        packed = gzip.compress(content)
        return packed[: max(3, int(place * len(packed)))]
    return b""
