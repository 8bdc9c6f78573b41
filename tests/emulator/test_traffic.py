import gzip
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from emulator import traffic
from emulator.organisation import DATA, Stream, load_organisation
from emulator.traffic import METRICS, SIZED_CLIENTS, SKIPPED_TRACE_DAYS, STEADY_CLIENTS, Calendar, simulate

CALENDAR = Calendar(datetime(2026, 11, 18, 6, tzinfo=UTC), days=56)
FULL_DAYS = 56
STEADY = load_organisation().stream("gcp-catalog-tagger")


def usage_of(stream: Stream, seed: int = 7) -> np.ndarray:
    return simulate(stream, CALENDAR, np.random.default_rng(seed))


def with_traffic(**changes: float) -> Stream:
    return replace(STEADY, traffic={**STEADY.traffic, **changes})


def by_day(usage: np.ndarray, metric: str = "request_count") -> np.ndarray:
    return usage[: FULL_DAYS * 24, METRICS.index(metric)].reshape(FULL_DAYS, 24).sum(axis=1)


def trace_rates(model: str, client: int) -> np.ndarray:
    """Mean requests per second by hour of the 14 days, read straight from the file's text."""
    sums = np.zeros(14 * 24)
    with gzip.open(DATA / "traffic" / "servegen_rates_10min.csv.gz", "rt") as lines:
        next(lines)
        for line in lines:
            found_model, found_client, start, rate = line.split(",")
            if (found_model, int(found_client)) == (model, client):
                sums[int(start) // 3600] += float(rate) / 6
    return sums


def test_same_generator_makes_the_same_traffic() -> None:
    assert np.array_equal(usage_of(STEADY), usage_of(STEADY))
    assert not np.array_equal(usage_of(STEADY), usage_of(STEADY, seed=8))


def test_traffic_is_whole_and_never_negative() -> None:
    usage = usage_of(with_traffic(requests=40.0))

    assert usage.dtype == np.int64
    assert usage.min() == 0


@pytest.mark.parametrize("requests", [40.0, 5_000.0, 300_000.0])
def test_requests_per_day_are_what_the_stream_says(requests: float) -> None:
    assert by_day(usage_of(with_traffic(requests=requests))).mean() == pytest.approx(requests, rel=0.05)


def test_tokens_per_request_and_cached_shares_are_what_the_stream_says() -> None:
    usage = usage_of(with_traffic(requests=50_000, input=4000, output=300, read=0.6, write=0.05, write_1h=0.02))
    totals = dict(zip(METRICS, usage.sum(axis=0), strict=True))
    prompt = sum(totals[metric] for metric in METRICS if metric.startswith(("input", "cache")))

    assert prompt / totals["request_count"] == pytest.approx(4000, rel=0.01)
    assert totals["output_tokens"] / totals["request_count"] == pytest.approx(300, rel=0.01)
    assert totals["cache_read_tokens"] / prompt == pytest.approx(0.6, rel=0.01)
    assert totals["cache_write_tokens"] / prompt == pytest.approx(0.05, rel=0.001)
    assert totals["cache_write_1h_tokens"] / prompt == pytest.approx(0.02, rel=0.001)


def test_prompt_without_a_cache_is_all_uncached_input() -> None:
    usage = usage_of(with_traffic(read=0.0, write=0.0))

    assert usage[:, METRICS.index("cache_read_tokens") : METRICS.index("throttled_count")].sum() == 0
    assert (usage[:, METRICS.index("input_tokens")] > 0).any()


def test_weekends_rest_as_the_stream_says() -> None:
    days = by_day(usage_of(with_traffic(weekend=0.2)))
    weekend = np.array([date.fromordinal(CALENDAR.first_day.toordinal() + n).weekday() >= 5 for n in range(FULL_DAYS)])

    assert np.median(days[weekend]) / np.median(days[~weekend]) == pytest.approx(0.2, rel=0.05)


def test_stream_lives_from_its_first_day_to_before_its_last() -> None:
    days = by_day(usage_of(with_traffic(from_day=-30, to_day=-10)))

    assert days[: FULL_DAYS - 30].sum() == 0
    assert days[FULL_DAYS - 30 : FULL_DAYS - 10].min() > 0
    assert days[FULL_DAYS - 10 :].sum() == 0


@pytest.mark.parametrize("stream", load_organisation().streams, ids=lambda stream: stream.id)
def test_no_day_steps_away_from_its_neighbours_unplanned(stream: Stream) -> None:
    steady = replace(
        stream, traffic={**stream.traffic, "requests": 50_000, "weekend": 1.0, "from_day": -99, "to_day": 9}
    )
    days = by_day(usage_of(steady), "output_tokens")

    assert np.abs(days / np.median(days) - 1).max() < 0.13
    assert 0.005 < days.std() / days.mean() < 0.06


def test_shape_of_the_day_is_the_real_one() -> None:
    client = STEADY_CLIENTS[0]
    days = trace_rates(*client).reshape(14, 24)
    real = days / days.sum(axis=1, keepdims=True)
    trace = traffic._client_trace(client, SIZED_CLIENTS[0])

    assert np.allclose(trace.shape, real)
    assert np.array_equal(np.argsort(trace.level), np.argsort(days.sum(axis=1)))
    assert real.mean(axis=0).max() > 2 * real.mean(axis=0).min()


def test_simulated_hours_follow_their_trace_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "STEADY_CLIENTS", (("m-small", 5),))
    days = trace_rates("m-small", 5).reshape(14, 24)
    real = days / days.sum(axis=1, keepdims=True)
    hours = usage_of(with_traffic(requests=5_000_000, weekend=1.0))[: FULL_DAYS * 24, 0].reshape(FULL_DAYS, 24)
    simulated = hours / hours.sum(axis=1, keepdims=True)

    phase = int(np.abs(simulated[0] - real).sum(axis=1).argmin())
    expected = real[(np.arange(FULL_DAYS) + phase) % 14]
    assert np.abs(simulated - expected).max() < 1e-5


@pytest.mark.parametrize("client", STEADY_CLIENTS, ids=lambda client: f"{client[0]}-{client[1]}")
def test_listed_clients_are_steady(client: tuple[str, int]) -> None:
    days = trace_rates(*client).reshape(14, 24)
    kept = np.delete(days, SKIPPED_TRACE_DAYS[client[0]], axis=0)
    totals = kept.sum(axis=1)

    assert totals.max() / np.median(totals) < 1.8
    assert totals.min() / np.median(totals) > 0.5
    assert (kept == 0).sum(axis=1).max() <= 3


def test_wobble_of_cache_hits_comes_from_the_conversation_trace() -> None:
    wobble = traffic._cache_wobble()

    assert len(wobble) >= 45
    assert wobble.std() == pytest.approx(traffic.CACHE_SPREAD, rel=0.15)
    assert wobble.mean() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(-2, -2, slice(54 * 24, 55 * 24)), (-1, 0, slice(55 * 24, 56 * 24 + 6)), (-99, -56, slice(0, 24))],
    ids=["a full day", "up to the as-of hour", "from before the first day"],
)
def test_days_become_hour_indices(first: int, last: int, expected: slice) -> None:
    assert CALENDAR.span(CALENDAR.day(first), CALENDAR.day(last)) == expected
