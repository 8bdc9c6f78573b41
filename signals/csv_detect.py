"""The detector on any regular hourly or daily series given as CSV.

In: columns `series,timestamp,value`, timestamps ISO 8601 (UTC where they name no zone), one step per series and row,
in any order. Out: the same rows in the same order, timestamp and value as given, with
`expected,lower,upper,is_anomaly`. Every point is judged by the points before it alone. The first three weeks of a
daily series and the first week of an hourly one are warm-up: `is_anomaly` is false there, and the bounds are empty
where nothing can be expected yet. A missing step or an empty value is a gap: it is not judged, and the rows after it
are.
"""

from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

from signals.detector import Judgement, Sensitivity, judge
from signals.grids import HOURS_PER_DAY, HOURS_PER_WEEK, Grid, daily_grid, hourly_grid

COLUMNS = ("series", "timestamp", "value")
_STEPS = {"hourly": pd.Timedelta(hours=1), "daily": pd.Timedelta(days=1)}
_MOST_STEPS = 200_000


class CsvError(ValueError):
    """The series cannot be judged as they are; the message names the row and says what to do."""


def judge_csv(source: TextIO, target: TextIO) -> int:
    """Judge the rows of one CSV into another.

    Returns:
        How many rows are anomalies.

    Raises:
        CsvError: a column is missing, a value or timestamp does not read, a point comes twice, or the steps are
        neither
            hours nor days.
    """
    try:
        frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise CsvError(f"The file does not read as CSV: {str(error).strip()}.") from error
    judged = judge_frame(frame)
    judged.to_csv(target, index=False, lineterminator="\n")
    return int((judged["is_anomaly"] == "true").sum())


def detect_csv(source: Path, target: Path) -> int:
    """Judge the rows of one CSV file into another, which appears only when it is whole; see `judge_csv`."""
    aside = target.with_name(f".{target.name}.part")
    try:
        with (
            source.open(encoding="utf-8-sig", newline="") as given,
            aside.open("w", encoding="utf-8", newline="") as out,
        ):
            anomalies = judge_csv(given, out)
        aside.replace(target)
    except OSError as error:
        raise CsvError(f"{error.filename}: {error.strerror}.") from error
    finally:
        aside.unlink(missing_ok=True)
    return anomalies


def judge_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame of text columns `series,timestamp,value` with the four columns of the verdict, as text.

    Raises:
        CsvError: as in `judge_csv`.
    """
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise CsvError(f"The column {missing[0]} is missing; the columns are {', '.join(COLUMNS)}.")
    given = frame[list(COLUMNS)].reset_index(drop=True)
    moments, values = _moments(given["timestamp"]), _values(given["value"])
    expected, lower, upper = (np.full(len(given), np.nan) for _ in range(3))
    is_anomaly = np.zeros(len(given), dtype=bool)
    for grain, rows in _by_grain(given["series"], moments).items():
        place = _place(given["series"].iloc[rows], moments.iloc[rows], grain)
        judgement = _judge(place, values[rows], moments.iloc[rows].min(), grain)
        where = (place["line"], place["step"])
        expected[rows], lower[rows], upper[rows] = (
            part[where] for part in (judgement.expected, judgement.lower, judgement.upper)
        )
        is_anomaly[rows] = judgement.is_anomaly[where]
    known = ~np.isnan(expected)
    bounds = {"expected": expected, "lower": lower, "upper": upper}
    texts = {name: _text(np.where(known, numbers, np.nan)) for name, numbers in bounds.items()}
    return given.assign(**texts, is_anomaly=np.where(is_anomaly, "true", "false"))


def _moments(texts: pd.Series) -> pd.Series:
    moments = pd.to_datetime(texts.str.strip(), utc=True, format="ISO8601", errors="coerce")
    if moments.isna().any():
        row = int(np.flatnonzero(moments.isna())[0])
        raise CsvError(f"Row {row + 2}: {texts[row]!r} is no ISO 8601 timestamp such as 2026-11-18T06:00:00Z.")
    return moments


def _values(texts: pd.Series) -> np.ndarray:
    stripped = texts.str.strip()
    values = pd.to_numeric(stripped, errors="coerce").to_numpy(dtype=float)
    is_gap = stripped.str.lower().isin(["", "nan", "null"]).to_numpy()
    wrong = np.flatnonzero(~np.isfinite(values) & ~is_gap)
    if len(wrong):
        raise CsvError(f"Row {wrong[0] + 2}: {texts[wrong[0]]!r} is no number.")
    return values


def _by_grain(series: pd.Series, moments: pd.Series) -> dict[str, np.ndarray]:
    """Row numbers of the series of each grain: hourly or daily, by the usual distance between their points."""
    ordered = pd.DataFrame({"series": series, "moment": moments}).sort_values(["series", "moment"], kind="stable")
    steps = ordered.groupby("series")["moment"].diff()
    if (steps == pd.Timedelta(0)).any():
        row = int(steps.index[steps == pd.Timedelta(0)][0])
        raise CsvError(f"Row {row + 2}: the series {series[row]!r} has this timestamp twice; keep one.")
    usual = steps.groupby(ordered["series"]).median()
    grains: dict[object, str] = {}
    for name, step in usual.items():
        # A series of one point says nothing of its grain; it is all warm-up either way.
        grain = "daily" if pd.isna(step) else next((grain for grain, size in _STEPS.items() if step == size), None)
        if grain is None:
            raise CsvError(f"The series {name!r} has a point every {step}; it must be hourly or daily.")
        grains[name] = grain
    by_row = series.map(grains).to_numpy()
    return {grain: np.flatnonzero(by_row == grain) for grain in _STEPS if (by_row == grain).any()}


def _place(series: pd.Series, moments: pd.Series, grain: str) -> dict[str, np.ndarray]:
    """Line (series) and step of every row on the common grid that begins at the earliest moment."""
    distance = (moments - moments.min().floor("D")) // _STEPS[grain]
    steps = distance.to_numpy(dtype=np.int64)
    lines = pd.factorize(series)[0]
    twice = pd.DataFrame({"line": lines, "step": steps}).duplicated().to_numpy()
    if twice.any():
        row = series.index.to_list()[int(np.flatnonzero(twice)[0])]
        raise CsvError(f"Row {row + 2}: the series has two points within one step of an otherwise {grain} series.")
    if steps.max() >= _MOST_STEPS:
        raise CsvError(f"The {grain} series span {steps.max()} steps; at most {_MOST_STEPS} can be judged at once.")
    return {"line": lines, "step": steps}


def _judge(place: dict[str, np.ndarray], values: np.ndarray, first: pd.Timestamp, grain: str) -> Judgement:
    steps = int(place["step"].max()) + 1
    matrix = np.full((int(place["line"].max()) + 1, steps), np.nan)
    matrix[place["line"], place["step"]] = values
    return judge(matrix, _grid(first, steps, grain), Sensitivity())


def _grid(first: pd.Timestamp, steps: int, grain: str) -> Grid:
    day = first.floor("D")
    if grain == "daily":
        return daily_grid(day.date(), steps)
    return hourly_grid((day.weekday() * HOURS_PER_DAY) % HOURS_PER_WEEK, steps)


def _text(numbers: np.ndarray) -> list[str]:
    return ["" if np.isnan(number) else format(number, ".10g") for number in numbers.tolist()]
