from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from signals.spikes import Findings, find_spikes

FIRST = date(2026, 8, 3)
DAYS = 90
MONEY = pa.decimal128(38, 12)
SPEND_SCHEMA = pa.schema(
    [("charge_date", pa.date32()), *((n, pa.string()) for n in ("provider", "billing_account_id", "sub_account_id")),
     *((n, pa.string()) for n in ("team", "product", "model", "token_class")),
     ("effective_cost_usd", MONEY), ("consumed_tokens", pa.int64())]
)  # fmt: skip
TOKENS_SCHEMA = pa.schema(
    [("usage_date", pa.date32()), *((n, pa.string()) for n in ("provider", "billing_account_id", "sub_account_id")),
     *((n, pa.string()) for n in ("team", "product", "model")),
     ("request_count", pa.int64()), ("token_count", pa.int64()), ("estimated_cost_usd", MONEY)]
)  # fmt: skip
STATUS_SCHEMA = pa.schema(
    [*((n, pa.string()) for n in ("source", "provider", "account_id")), ("complete_through", pa.date32())]
)
NO_TOKENS = TOKENS_SCHEMA.empty_table()


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def money(amount: float) -> Decimal:
    return Decimal(repr(float(amount))).quantize(Decimal("1e-12"))


def spend(values: np.ndarray, **place: Any) -> list[dict[str, Any]]:
    """One row a day with a cost; zero days have no row, as in a bill."""
    where = {"provider": "aws", "billing_account_id": "payer", "sub_account_id": "prod", "team": "support",
             "product": "triage", "model": "m", "token_class": "input", **place}  # fmt: skip
    return [
        {**where, "charge_date": day(n), "effective_cost_usd": money(usd), "consumed_tokens": int(usd * 1000)}
        for n, usd in enumerate(values.tolist())
        if usd
    ]


def usage(values: np.ndarray, **place: Any) -> list[dict[str, Any]]:
    rows = []
    for row in spend(values, **place):
        usd = row.pop("effective_cost_usd")
        row.pop("token_class")
        tokens = row.pop("consumed_tokens")
        rows.append({**row, "usage_date": row["charge_date"], "request_count": tokens // 100, "token_count": tokens,
                     "estimated_cost_usd": usd})  # fmt: skip
    return rows


def status(through: int = DAYS - 1, source: str = "aws_cur", **place: Any) -> dict[str, Any]:
    return {"source": source, "provider": "aws", "account_id": "payer", "complete_through": day(through), **place}


def find(
    rows: list[dict[str, Any]], *statuses: dict[str, Any], tokens: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    return findings(rows, *statuses, tokens=tokens).spikes.to_pylist()


def findings(
    rows: list[dict[str, Any]], *statuses: dict[str, Any], tokens: list[dict[str, Any]] | None = None
) -> Findings:
    return find_spikes(
        pa.Table.from_pylist(rows, schema=SPEND_SCHEMA),
        pa.Table.from_pylist(tokens or [], schema=TOKENS_SCHEMA),
        pa.Table.from_pylist(list(statuses) or [status()], schema=STATUS_SCHEMA),
    )


def steady(seed: int = 1, days: int = DAYS, usd: float = 200.0) -> np.ndarray:
    return usd * (1 + 0.04 * np.random.default_rng(seed).standard_normal(days))


def with_step(first: int, last: int, factor: float, seed: int = 1) -> np.ndarray:
    values = steady(seed)
    values[first : last + 1] *= factor
    return values


def test_steady_spend_has_no_spike() -> None:
    assert find(spend(steady())) == []


def test_a_run_of_days_is_one_spike_and_its_money_adds_up() -> None:
    values = with_step(60, 64, 2.0)
    (spike,) = find(spend(values))
    assert (spike["started_on"], spike["detected_on"], spike["ended_on"]) == (day(60), day(60), day(64))
    assert (spike["lane"], spike["metric"], spike["direction"]) == ("billed", "effective_cost_usd", "up")
    assert spike["actual"] == sum(money(usd) for usd in values[60:65])
    assert spike["impact_usd"] == spike["actual"] - spike["expected"]
    assert 900 < spike["impact_usd"] < 1100


def test_a_fall_is_a_spike_too_with_negative_dollars() -> None:
    (spike,) = find(spend(with_step(60, 62, 0.4)))
    assert spike["direction"] == "down"
    assert -400 < spike["impact_usd"] < -300


def test_a_spike_that_lasts_stays_open() -> None:
    (spike,) = find(spend(with_step(80, 89, 2.0)))
    assert spike["ended_on"] is None


def test_a_quiet_weekend_does_not_split_a_spike() -> None:
    week = np.resize([1, 1, 1, 1, 1, 0, 0], DAYS)
    values = with_step(58, 67, 2.5) * week
    (spike,) = find(spend(values))
    assert (spike["started_on"], spike["ended_on"]) == (day(58), day(67))


def test_two_spikes_a_week_apart_are_two() -> None:
    values = with_step(50, 51, 2.0)
    values[60:62] *= 2.0
    assert [spike["started_on"] for spike in find(spend(values))] == [day(50), day(60)]


def test_a_net_of_zero_hides_neither_side() -> None:
    up, down = with_step(60, 62, 1.8), with_step(60, 62, 0.2, seed=2)
    spikes = find(spend(up) + spend(down, product="other"))
    assert {(spike["product"], spike["direction"]) for spike in spikes} == {("triage", "up"), ("other", "down")}


def test_small_change_is_no_spike() -> None:
    assert find(spend(with_step(60, 60, 3.0) / 50)) == []


def test_days_after_the_last_complete_one_are_never_judged() -> None:
    values = steady()
    values[87:] = [150, 40, 5]
    assert find(spend(values), status(86)) == []
    values[86] = 600
    assert [spike["ended_on"] for spike in find(spend(values), status(86))] == [None]


def test_each_account_has_its_own_last_complete_day() -> None:
    values = steady()
    values[88:] = 20
    rows = spend(values, sub_account_id="slow") + spend(steady(2), sub_account_id="fast", product="other")
    known = [status(87, account_id="slow"), status(89, account_id="fast")]
    assert find(rows, *known) == []
    assert [spike["product"] for spike in find(rows, status(89, account_id="slow"), known[1])] == ["triage"]


def test_an_account_of_unknown_completeness_is_not_judged() -> None:
    assert find(spend(with_step(60, 62, 2.0)), status(complete_through=None)) == []
    assert find(spend(with_step(60, 62, 2.0)), status(provider="gcp")) == []


def test_days_without_any_row_of_a_provider_are_missing_not_zero() -> None:
    """Even when the status says that they are complete: that is late data, not use that stopped."""
    values = steady()
    values[87:] = 0
    other = spend(steady(3), provider="gcp", product="other")
    assert find(spend(values) + other, status(), status(source="gcp_billing", provider="gcp")) == []


def test_a_series_that_stops_has_vanished() -> None:
    values = steady()
    values[80:] = 0
    (spike,) = find(spend(values) + spend(steady(2), product="other"))
    assert (spike["verdict"], spike["direction"], spike["started_on"]) == ("vanished", "down", day(80))


def test_a_series_that_begins_later_is_new_and_after_four_weeks_normal() -> None:
    values = steady()
    values[:50] = 0
    (spike,) = find(spend(values) + spend(steady(2), product="other"))
    assert (spike["verdict"], spike["started_on"], spike["ended_on"]) == ("new", day(50), day(77))
    assert spike["expected"] == 0


def test_what_is_there_from_the_first_days_is_not_new() -> None:
    values = steady()
    values[:3] = 0
    assert find(spend(values) + spend(steady(2), product="other")) == []


def test_unallocated_spend_is_judged_by_account() -> None:
    nobody = {"team": "unallocated", "product": "whatever"}
    values = steady()
    values[:60] = 0
    (spike,) = find(spend(steady(2), **nobody, sub_account_id="old") + spend(values, **nobody, sub_account_id="labs"))
    assert (spike["team"], spike["product"], spike["sub_account_id"]) == ("unallocated", None, "labs")
    assert spike["verdict"] == "new"


def test_a_team_is_one_series_over_its_accounts() -> None:
    rows = spend(with_step(60, 62, 2.0), sub_account_id="one") + spend(steady(2), sub_account_id="two")
    (spike,) = find(rows)
    assert (spike["product"], spike["sub_account_id"]) == ("triage", None)


def test_slow_growth_is_one_spike() -> None:
    values = steady()
    values[45:] *= 1.02 ** np.arange(1, DAYS - 44)
    (spike,) = find(spend(values))
    assert (spike["direction"], spike["ended_on"]) == ("up", None)
    assert day(40) <= spike["started_on"] <= day(50) < spike["detected_on"]


def test_the_drivers_of_a_spike_sum_to_its_impact() -> None:
    values = with_step(60, 64, 2.0)
    found = findings(spend(values) + spend(values / 3, model="n", token_class="output"), tokens=usage(values))
    (spike,) = found.spikes.to_pylist()
    drivers = found.drivers.to_pylist()
    assert {row["spike_id"] for row in drivers} == {spike["spike_id"]}
    assert sum(row["contribution_usd"] for row in drivers) == spike["impact_usd"]


def test_ids_are_the_same_in_every_run_and_whatever_comes_later() -> None:
    values = with_step(60, 64, 2.0)
    rows = spend(values)
    (spike,) = find(rows)
    mixed = [rows[n] for n in np.random.default_rng(1).permutation(len(rows))]
    assert find(mixed) == [spike]
    (early,) = find(rows[:63], status(62))
    assert early["spike_id"] == spike["spike_id"]
    assert early["ended_on"] is None


def test_an_estimate_warns_of_days_the_bill_does_not_have_yet() -> None:
    values = with_step(88, 89, 2.0)
    (spike,) = find(spend(values[:88]), status(87), status(89, source="aws_bedrock"), tokens=usage(values))
    assert (spike["lane"], spike["metric"], spike["started_on"]) == ("estimate", "estimated_cost_usd", day(88))
    assert spike["verdict"] == "volume"


def test_an_estimate_is_silent_about_days_and_spikes_the_bill_has() -> None:
    values = with_step(85, 89, 2.0)
    values[60] *= 2
    spikes = find(spend(values[:88]), status(87), status(89, source="aws_bedrock"), tokens=usage(values))
    assert [(spike["lane"], spike["started_on"]) for spike in spikes] == [("billed", day(60)), ("billed", day(85))]


def test_no_rows_are_no_spikes_but_typed_tables() -> None:
    found = find_spikes(SPEND_SCHEMA.empty_table(), NO_TOKENS, STATUS_SCHEMA.empty_table())
    assert (found.spikes.num_rows, found.drivers.num_rows) == (0, 0)
    assert found.spikes.schema.field("impact_usd").type == MONEY


@pytest.mark.parametrize("seed", [7, 1, 2])
def test_the_planted_incidents_are_found_with_their_cause_and_nothing_else(
    seed: int, world_marts: Callable[[int], Any]
) -> None:
    marts = world_marts(seed)
    spikes = find_spikes(marts.spend, marts.tokens, marts.status).spikes.to_pylist()

    def place(one: Any) -> tuple[str, str, str | None]:
        return (one["provider"], one["team"], one["product"])

    planted = [i for i in marts.incidents if i.is_spike]
    explained: set[str] = set()
    for incident in planted:
        hits = [
            spike
            for spike in spikes
            if place(spike) == place(incident.row())
            and spike["started_on"] <= incident.end_date
            and (spike["ended_on"] or date.max) >= incident.start_date
        ]
        assert [spike["verdict"] for spike in hits] == [incident.verdict], incident.incident_id
        assert hits[0]["impact_usd"] * incident.impact_usd > 0
        explained.add(hits[0]["spike_id"])
    quiet = [i for i in marts.incidents if not i.is_spike]
    rest = [spike for spike in spikes if spike["spike_id"] not in explained]
    for spike in rest:
        for incident in quiet:
            same = incident.provider == spike["provider"] and (incident.product in (None, spike["product"]))
            assert not (same and incident.start_date <= spike["started_on"] <= incident.end_date)
    # September's batch was seen once before only, and a deployment of code-complete moves to reserved capacity.
    assert {(spike["product"], spike["started_on"].month) for spike in rest} <= {
        ("nightly-enrichment", 9),
        ("code-complete", 10),
    }
