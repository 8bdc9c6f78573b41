import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from signals.csv_detect import CsvError, detect_csv, judge_csv

FIRST = datetime(2026, 8, 3, tzinfo=UTC)


def rows_of(name: str, values: list[float], step: timedelta = timedelta(days=1)) -> list[tuple[str, str, str]]:
    return [(name, f"{FIRST + n * step:%Y-%m-%dT%H:%M:%SZ}", repr(value)) for n, value in enumerate(values)]


def judged(rows: list[tuple[str, str, str]], header: str = "series,timestamp,value") -> list[dict[str, str]]:
    source = io.StringIO("\n".join([header, *(",".join(row) for row in rows)]))
    target = io.StringIO()
    judge_csv(source, target)
    target.seek(0)
    return list(csv.DictReader(target))


def noisy(count: int, seed: int = 1) -> list[float]:
    return (100 + 3 * np.random.default_rng(seed).standard_normal(count)).tolist()


def test_every_row_comes_back_in_its_order_as_given() -> None:
    rows = rows_of("b", noisy(40)) + rows_of("a", noisy(30, seed=2))
    np.random.default_rng(3).shuffle(rows)
    given = [tuple(row) for row in rows]
    out = judged(given)
    assert [(row["series"], row["timestamp"], row["value"]) for row in out] == given
    assert list(out[0]) == ["series", "timestamp", "value", "expected", "lower", "upper", "is_anomaly"]
    assert {row["is_anomaly"] for row in out} == {"false"}


@pytest.mark.parametrize("stamp", ["{:%Y-%m-%d}", "{:%Y-%m-%dT%H:%M:%S}+00:00", "{:%Y-%m-%d %H:%M:%S}"])
def test_timestamps_come_back_as_they_were_written(stamp: str) -> None:
    days = [stamp.format(FIRST + timedelta(days=n)) for n in range(30)]
    out = judged([("a", day, "1") for day in days])
    assert [row["timestamp"] for row in out] == days


def test_a_spike_and_a_drop_are_found_and_lie_outside_their_bounds() -> None:
    values = noisy(60)
    values[40], values[50] = 160.0, 40.0
    out = judged(rows_of("a", values))
    assert [n for n, row in enumerate(out) if row["is_anomaly"] == "true"] == [40, 50]
    assert float(out[40]["upper"]) < 160 and float(out[50]["lower"]) > 40
    assert 95 < float(out[40]["expected"]) < 105


def test_hourly_series_are_judged_by_their_hours() -> None:
    hours = np.arange(24 * 28)
    values = (100 + 60 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(4).standard_normal(len(hours))).tolist()
    values[24 * 20 + 18] = 100.0
    out = judged(rows_of("a", values, timedelta(hours=1)))
    assert [n for n, row in enumerate(out) if row["is_anomaly"] == "true"] == [24 * 20 + 18]


def test_one_series_does_not_touch_another() -> None:
    wild = [1000.0 * (n % 5) for n in range(60)]
    alone = judged(rows_of("a", noisy(60)))
    beside = [row for row in judged(rows_of("a", noisy(60)) + rows_of("w", wild)) if row["series"] == "a"]
    assert beside == alone


def test_hourly_and_daily_series_share_a_file() -> None:
    rows = rows_of("days", noisy(60)) + rows_of("hours", noisy(24 * 30, seed=5), timedelta(hours=1))
    out = judged(rows)
    assert sum(row["is_anomaly"] == "true" for row in out) < 8
    assert out[59]["expected"] and out[-1]["expected"]


def test_a_gap_is_not_judged_and_the_rest_is() -> None:
    rows = rows_of("a", noisy(60))
    rows[30] = (*rows[30][:2], "")
    del rows[45:48]
    out = judged(rows)
    assert out[30]["is_anomaly"] == "false"
    assert sum(row["is_anomaly"] == "true" for row in out) == 0
    assert out[-1]["expected"] != ""


def test_negative_values_are_judged_as_well() -> None:
    values = [value - 100 for value in noisy(60)]
    values[45] = -60.0
    out = judged(rows_of("a", values))
    assert [n for n, row in enumerate(out) if row["is_anomaly"] == "true"] == [45]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "yesterday", "1")], "Row 2: 'yesterday' is no ISO 8601 timestamp"),
        ([("a", "2026-08-03", "1"), ("a", "2026-08-04", "many")], "Row 3: 'many' is no number"),
        ([("a", "2026-08-03", "1"), ("a", "2026-08-03", "2")], "Row 3: the series 'a' has this timestamp twice"),
        ([("a", f"2026-08-03T00:{m:02d}:00Z", "1") for m in range(5)], "it must be hourly or daily"),
    ],
    ids=["timestamp", "number", "twice", "minutes"],
)
def test_a_wrong_file_is_refused_in_words(rows: list[tuple[str, str, str]], message: str) -> None:
    with pytest.raises(CsvError, match=message.replace("(", r"\(")):
        judged(rows)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(CsvError, match="The column timestamp is missing"):
        judged([("a", "2026-08-03", "1")], header="series,time,value")


def test_a_refused_file_leaves_the_earlier_output_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    target.write_text("yesterday's")
    source.write_text("series,timestamp,value\na,never,1\n")
    with pytest.raises(CsvError):
        detect_csv(source, target)
    assert target.read_text() == "yesterday's"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(CsvError, match=r"nowhere\.csv: No such file"):
        detect_csv(tmp_path / "nowhere.csv", target)


def test_a_good_file_is_written_and_its_anomalies_counted(tmp_path: Path) -> None:
    values = noisy(60)
    values[45] = 200.0
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("series,timestamp,value\n" + "\n".join(",".join(row) for row in rows_of("a", values)))
    assert detect_csv(source, target) == 1
    assert len(target.read_text().splitlines()) == 61
