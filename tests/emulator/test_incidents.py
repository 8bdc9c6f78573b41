from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from emulator import incidents
from emulator.incidents import INCIDENTS, Incident, Plan, late_hours
from emulator.truth import INCIDENT_SCHEMA
from emulator.world import World, make_world

PLANTED = [
    ("cache_break", "ticket-triage", date(2026, 11, 11), date(2026, 11, 16)),
    ("retry_storm", "agent-assist", date(2026, 10, 21), date(2026, 10, 21)),
    ("model_switch", "email-writer", date(2026, 10, 12), date(2026, 10, 18)),
    ("price_change", "doc-translate", date(2026, 10, 23), date(2026, 11, 17)),
    ("netting_pair", "code-review", date(2026, 11, 2), date(2026, 11, 6)),
    ("netting_pair", "code-complete", date(2026, 11, 2), date(2026, 11, 6)),
    ("untagged_project", None, date(2026, 10, 28), date(2026, 11, 9)),
    ("slow_creep", "sql-copilot", date(2026, 10, 13), date(2026, 11, 17)),
    ("late_data", None, date(2026, 11, 14), date(2026, 11, 16)),
    ("weekend_dip", "contract-review", date(2026, 8, 20), date(2026, 11, 17)),
    ("month_end_batch", "nightly-enrichment", date(2026, 10, 31), date(2026, 10, 31)),
]
NO_BATCHES: Callable[[object], list[date]] = lambda _: []  # noqa: E731


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same world with nothing planted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incidents, "INCIDENTS", ())
        patch.setattr(incidents, "_run_batches", NO_BATCHES)
        return make_world(tmp_path_factory.mktemp("home"))


def total(world: World, stream_id: str, day: date, metric: str = "request_count") -> int:
    start = pa.scalar(datetime(day.year, day.month, day.day, tzinfo=UTC), world.usage.schema.field("hour_start").type)
    end = pa.scalar(start.as_py() + timedelta(days=1), start.type)
    hour = world.usage["hour_start"]
    within = pc.and_(pc.greater_equal(hour, start), pc.less(hour, end))
    rows = world.usage.filter(pc.and_(within, pc.equal(world.usage["stream_id"], stream_id)))
    return pc.sum(rows[metric]).as_py() or 0


def dollars(world: World, stream_id: str, day: date, prices: dict[str, str]) -> Decimal:
    parts = (Decimal(total(world, stream_id, day, metric)) * Decimal(price) for metric, price in prices.items())
    return sum(parts, Decimal(0)) / 1_000_000


SONNET = {"input_tokens": "3", "output_tokens": "15", "cache_read_tokens": "0.30", "cache_write_tokens": "3.75"}
GPT_41 = {"input_tokens": "2", "output_tokens": "8", "cache_read_tokens": "0.50"}
GPT_41_MINI = {"input_tokens": "0.40", "output_tokens": "1.60", "cache_read_tokens": "0.10"}


def days_of(incident: Incident) -> list[date]:
    return [incident.start_date + timedelta(days=n) for n in range((incident.end_date - incident.start_date).days + 1)]


def test_ninety_days_hold_all_ten_kinds_on_their_dates(world: World) -> None:
    assert [(one.kind, one.product, one.start_date, one.end_date) for one in world.incidents] == PLANTED


def test_verdicts_say_which_are_spikes(world: World) -> None:
    verdicts = {one.kind: (one.is_spike, one.verdict) for one in world.incidents}

    assert verdicts == {
        "cache_break": (True, "efficiency"),
        "retry_storm": (True, "volume"),
        "model_switch": (True, "mix"),
        "price_change": (True, "price"),
        "netting_pair": (True, "volume"),
        "untagged_project": (True, "new"),
        "slow_creep": (True, "volume"),
        "late_data": (False, None),
        "weekend_dip": (False, None),
        "month_end_batch": (False, None),
    }


def test_teams_and_products_are_those_of_the_streams(world: World) -> None:
    for incident in world.incidents:
        for stream_id in incident.stream_ids:
            stream = world.organisation.stream(stream_id)
            assert (incident.provider, incident.team, incident.product) == (
                stream.provider,
                stream.team,
                stream.product,
            )


def test_nothing_else_moves(world: World, calm: World) -> None:
    planted = {stream for one in world.incidents for stream in one.stream_ids}
    untouched = pa.array(sorted({stream.id for stream in world.organisation.streams} - planted))

    assert len(untouched) == 48
    assert world.usage.filter(pc.is_in(world.usage["stream_id"], untouched)).equals(
        calm.usage.filter(pc.is_in(calm.usage["stream_id"], untouched))
    )


def test_broken_cache_costs_four_times_as_much_for_the_same_requests(world: World, calm: World) -> None:
    days = days_of(world.incident("cache_break"))
    before = sum(dollars(calm, "aws-ticket-triage", day, SONNET) for day in days)
    after = sum(dollars(world, "aws-ticket-triage", day, SONNET) for day in days)

    assert abs(after / before - 4) < Decimal("0.001")
    assert world.incident("cache_break").impact_usd == (after - before).quantize(Decimal("0.01"))
    for metric in ("request_count", "output_tokens"):
        assert [total(world, "aws-ticket-triage", day, metric) for day in days] == [
            total(calm, "aws-ticket-triage", day, metric) for day in days
        ]


def test_broken_cache_moves_prompt_tokens_and_loses_none(world: World, calm: World) -> None:
    day = world.day(-5)
    classes = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    before = {metric: total(calm, "aws-ticket-triage", day, metric) for metric in classes}
    after = {metric: total(world, "aws-ticket-triage", day, metric) for metric in classes}

    assert sum(after.values()) == sum(before.values())
    assert after["cache_read_tokens"] < 0.2 * before["cache_read_tokens"]
    assert after["cache_write_tokens"] > before["cache_write_tokens"]


def test_cache_is_whole_the_day_before_and_after(world: World, calm: World) -> None:
    for day in (world.day(-8), world.day(-1)):
        assert total(world, "aws-ticket-triage", day, "input_tokens") == total(
            calm, "aws-ticket-triage", day, "input_tokens"
        )


def test_cache_break_needs_enough_reads_to_lose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "CACHE_BREAK_FACTOR", 40.0)

    with pytest.raises(ValueError, match="reads too little"):
        make_world(tmp_path, days=40)


def test_retry_storm_multiplies_six_hours(world: World, calm: World) -> None:
    day = world.incident("retry_storm").start_date

    def hours(made: World) -> dict[int, int]:
        rows = made.usage.filter(pc.equal(made.usage["stream_id"], "az-agent-assist")).to_pylist()
        return {row["hour_start"].hour: row["request_count"] for row in rows if row["hour_start"].date() == day}

    before, after = hours(calm), hours(world)
    assert {hour for hour in before if after[hour] != before[hour]} == set(range(12, 18))
    assert all(after[hour] == 15 * before[hour] for hour in range(12, 18))
    assert total(world, "az-agent-assist", day, "throttled_count") > 100 * total(
        calm, "az-agent-assist", day, "throttled_count"
    )


def test_model_switch_moves_the_same_requests_to_the_large_model(world: World, calm: World) -> None:
    for day in days_of(world.incident("model_switch")):
        assert total(world, "aws-email-writer", day) == 0
        assert total(world, "aws-email-writer-sonnet", day) == total(calm, "aws-email-writer", day) > 0


def test_netting_pair_moves_the_same_dollars_every_day(world: World, calm: World) -> None:
    for day in days_of(world.incident("netting_pair")):
        down = dollars(calm, "az-code-complete", day, GPT_41_MINI) - dollars(
            world, "az-code-complete", day, GPT_41_MINI
        )
        up = dollars(world, "az-code-review", day, GPT_41) - dollars(calm, "az-code-review", day, GPT_41)
        assert down > 300
        assert abs(up - down) < Decimal("0.01")
    impacts = [one.impact_usd for one in world.incidents if one.kind == "netting_pair"]
    assert abs(sum(impacts)) < Decimal("0.05") < abs(impacts[0])


def test_untagged_project_lives_only_in_its_window(world: World) -> None:
    incident = world.incident("untagged_project")
    flash = {"input_tokens": "0.30", "output_tokens": "2.50"}

    assert (incident.team, incident.product) == ("unallocated", None)
    assert all(250 < dollars(world, "gcp-labs", day, flash) < 350 for day in days_of(incident))
    assert total(world, "gcp-labs", incident.start_date - timedelta(days=1)) == 0
    assert total(world, "gcp-labs", incident.end_date + timedelta(days=1)) == 0


def test_slow_creep_grows_two_percent_a_day_and_stays(world: World, calm: World) -> None:
    for offset, days in ((-37, 0), (-36, 1), (-20, 17), (-1, 36)):
        day = world.day(offset)
        growth = total(world, "aws-sql-copilot", day) / total(calm, "aws-sql-copilot", day)
        assert growth == pytest.approx(1.02**days, rel=0.002)
    assert total(world, "aws-sql-copilot", world.day(0)) > 1.8 * total(calm, "aws-sql-copilot", world.day(0))


def test_month_end_batch_runs_on_every_last_day_and_is_told_from_the_third_on(world: World, calm: World) -> None:
    for day in (date(2026, 8, 31), date(2026, 9, 30), date(2026, 10, 31)):
        assert total(world, "az-enrichment", day) == 12 * total(calm, "az-enrichment", day)
    assert total(world, "az-enrichment", date(2026, 10, 30)) == total(calm, "az-enrichment", date(2026, 10, 30))
    assert [one.start_date for one in world.incidents if one.kind == "month_end_batch"] == [date(2026, 10, 31)]


def test_price_change_and_late_data_leave_usage_alone(world: World, calm: World) -> None:
    price_change = world.incident("price_change")
    pro = {"input_tokens": "1.25", "output_tokens": "10", "cache_read_tokens": "0.125"}
    listed = sum(dollars(world, "gcp-doc-translate", day, pro) for day in days_of(price_change))

    assert total(world, "gcp-doc-translate", world.day(-3)) == total(calm, "gcp-doc-translate", world.day(-3))
    assert price_change.impact_usd == (listed * Decimal("0.6")).quantize(Decimal("0.01"))
    assert world.incident("late_data").impact_usd == 0
    assert late_hours(world.incident("late_data")) == (
        datetime(2026, 11, 14, 12, tzinfo=UTC),
        datetime(2026, 11, 17, tzinfo=UTC),
    )


def test_weekend_dip_rests_on_every_weekend(world: World) -> None:
    dip = world.incident("weekend_dip")
    weekdays = [total(world, "aws-contract-review", day) for day in days_of(dip) if day.weekday() < 5]
    weekends = [total(world, "aws-contract-review", day) for day in days_of(dip) if day.weekday() >= 5]

    assert max(weekends) < 0.05 * min(weekdays)


@pytest.mark.parametrize(
    ("days", "kinds"),
    [
        (30, {"late_data", "weekend_dip"}),
        (35, {"late_data", "weekend_dip", "cache_break"}),
        (75, {plan.kind for plan in INCIDENTS} - {"slow_creep"}),
    ],
)
def test_shorter_horizons_plant_only_what_has_history(tmp_path: Path, days: int, kinds: set[str]) -> None:
    short = make_world(tmp_path, days=days)

    assert {one.kind for one in short.incidents} == kinds
    assert short.incident("slow_creep") is None
    assert short.incidents[-1].start_date >= short.day(-days)


def test_unknown_kind_is_no_incident_that_is_missing(world: World) -> None:
    with pytest.raises(KeyError):
        world.incident("price_chagne")


def test_rows_have_the_columns_of_the_truth(world: World) -> None:
    rows = pa.Table.from_pylist([one.row() for one in world.incidents], schema=INCIDENT_SCHEMA)

    assert rows.num_rows == len(set(rows["incident_id"].to_pylist())) == 11
    assert set(world.incidents[0].row()) == set(INCIDENT_SCHEMA.names)


@pytest.mark.parametrize("plan", INCIDENTS, ids=lambda plan: f"{plan.kind}-{plan.product}")
def test_every_plan_ends_after_it_starts_and_spikes_have_a_verdict(plan: Plan) -> None:
    assert plan.first is None or plan.first <= plan.last < 0
    assert plan.is_spike == (plan.verdict is not None)
    assert plan.history >= (28 if plan.is_spike else 0)
