"""The default world as billed: what is planted can be found in the charges, and there is nothing else to find."""

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import duckdb
import pyarrow.parquet as pq
import pytest

from emulator.clock import Clock
from emulator.generate import generate

AS_OF = date(2026, 11, 18)
FIRST = AS_OF - timedelta(days=90)
NOISE_SHARE = 0.16
NOISE_USD = 15.0


class Key(NamedTuple):
    provider: str
    team: str
    product: str | None


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("ninety") / "home"
    generate(home)
    return home


@pytest.fixture(scope="module")
def departures(home: Path) -> dict[Key, dict[date, float]]:
    """Per product and day, as finally billed, the relative departure from its median on that weekday."""
    rows = duckdb.execute(
        """
        select provider, team, product, charge_date, cast(sum(billed_cost) as double)
        from read_parquet(?)
        where visible_to is null and charge_date >= ? and charge_date < ?
            and (product is not null or team = 'unallocated') and token_class <> 'other'
        group by provider, team, product, charge_date
        """,
        [str(home / "truth" / "charges.parquet"), FIRST, AS_OF],
    ).fetchall()
    spent: dict[Key, dict[date, float]] = defaultdict(dict)
    for provider, team, product, day, usd in rows:
        spent[Key(provider, team, product)][day] = usd
    days = [FIRST + timedelta(days=n) for n in range(90)]
    found: dict[Key, dict[date, float]] = {}
    for key, by_day in spent.items():
        usual = {n: median(by_day.get(day, 0.0) for day in days if day.weekday() == n) for n in range(7)}
        gaps = {day: by_day.get(day, 0.0) - usual[day.weekday()] for day in days}
        found[key] = {
            day: gap / max(usual[day.weekday()], 1.0) if abs(gap) > NOISE_USD else 0.0 for day, gap in gaps.items()
        }
    return found


@pytest.fixture(scope="module")
def incidents(home: Path) -> list[dict[str, object]]:
    return pq.read_table(home / "truth" / "incidents.parquet").to_pylist()


def days_between(start: date, end: date) -> list[date]:
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


@pytest.mark.parametrize(
    ("kind", "product", "least", "most"),
    [
        ("cache_break", "ticket-triage", 2.5, 3.5),
        ("retry_storm", "agent-assist", 1.0, 9.0),
        ("model_switch", "email-writer", 1.2, 2.0),
        ("price_change", "doc-translate", 0.45, 0.75),
        ("netting_pair", "code-review", 0.5, 1.0),
        ("netting_pair", "code-complete", -0.9, -0.6),
        ("untagged_project", None, 100.0, 400.0),
    ],
)
def test_planted_incident_is_on_the_bill_on_each_of_its_days(
    departures: dict[Key, dict[date, float]],
    incidents: list[dict[str, object]],
    kind: str,
    product: str | None,
    least: float,
    most: float,
) -> None:
    (row,) = [one for one in incidents if (one["kind"], one["product"]) == (kind, product)]
    by_day = departures[Key(row["provider"], row["team"], row["product"])]

    assert all(least < by_day[day] < most for day in days_between(row["start_date"], row["end_date"]))


def test_slow_creep_passes_the_noise_and_ends_far_above_it(departures: dict[Key, dict[date, float]]) -> None:
    by_day = departures[Key("aws", "data-platform", "sql-copilot")]

    assert by_day[AS_OF - timedelta(days=37)] < NOISE_SHARE
    assert by_day[AS_OF - timedelta(days=1)] > 0.7


def test_nothing_else_is_out_of_line(
    departures: dict[Key, dict[date, float]], incidents: list[dict[str, object]]
) -> None:
    named = {
        (Key(row["provider"], row["team"], row["product"]), day)
        for row in incidents
        for day in days_between(row["start_date"], row["end_date"])
    }
    batches = {
        (Key("azure", "data-platform", "nightly-enrichment"), date(2026, month, day))
        for month, day in ((8, 31), (9, 30))
    }

    odd = {
        (key, day) for key, by_day in departures.items() for day, share in by_day.items() if abs(share) > NOISE_SHARE
    }
    assert odd - named - batches == set()


def test_each_product_is_large_enough_to_be_watched(home: Path) -> None:
    rows = duckdb.execute(
        """
        select provider, team, product, sum(billed_cost) / 90
        from read_parquet(?) where visible_to is null and product is not null
        group by provider, team, product
        """,
        [str(home / "truth" / "charges.parquet")],
    ).fetchall()

    assert len(rows) > 30
    assert min(daily for *_, daily in rows) > 35


def test_late_data_is_held_back_and_comes_two_days_later(home: Path) -> None:
    rows = duckdb.execute(
        """
        select charge_date, cast(visible_from as date), count(*)
        from read_parquet(?)
        where provider = 'gcp' and token_class <> 'other' and charge_date between ? and ?
            and visible_from > timestamptz '2026-11-18 06:00:00Z'
        group by all
        """,
        [str(home / "truth" / "charges.parquet"), AS_OF - timedelta(days=6), AS_OF - timedelta(days=2)],
    ).fetchall()

    assert {day for day, _, _ in rows} == set(days_between(AS_OF - timedelta(days=4), AS_OF - timedelta(days=2)))
    assert {seen for _, seen, _ in rows} == {AS_OF + timedelta(days=2)}


def test_clock_starts_at_the_as_of_time(home: Path) -> None:
    assert Clock(home / "truth" / "clock.json").now().date() == AS_OF
