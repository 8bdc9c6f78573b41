from datetime import date

import numpy as np
import pytest

from signals.detector import Judgement, Sensitivity, judge
from signals.grids import daily_grid, hourly_grid

MONDAY = date(2026, 8, 3)
DAYS = 90
WEEK = np.array([1.0, 1.05, 1.0, 0.95, 0.9, 0.4, 0.35])


def office_week(seed: int, series: int = 40, days: int = DAYS, noise: float = 0.06) -> np.ndarray:
    rng = np.random.default_rng(seed)
    level = rng.lognormal(4, 1, (series, 1))
    return level * np.resize(WEEK, days) * (1 + noise * rng.standard_normal((series, days)))


def judged(values: np.ndarray, **grid: int) -> Judgement:
    return judge(values, daily_grid(MONDAY, values.shape[1], **grid), Sensitivity())


def test_a_quiet_week_after_week_raises_almost_nothing() -> None:
    flags = judged(office_week(1, series=200)).is_anomaly
    assert flags[:, 21:].mean() < 0.004


@pytest.mark.parametrize("factor", [1.6, 0.4], ids=["up", "down"])
def test_a_day_far_off_is_found_in_both_directions(factor: float) -> None:
    values = office_week(2)
    values[:, 60] *= factor
    flags = judged(values).is_anomaly
    assert flags[:, 60].mean() > 0.95


def test_the_tested_day_is_not_in_its_own_baseline() -> None:
    """A 25 % rise on an otherwise steady series; with the day in its own mean and deviation it would pass."""
    values = office_week(3, noise=0.02)
    values[:, 60] *= 1.25
    judgement = judged(values)
    assert judgement.is_anomaly[:, 60].mean() > 0.9
    unchanged = judged(office_week(3, noise=0.02))
    np.testing.assert_array_equal(judgement.expected[:, 60], unchanged.expected[:, 60])
    np.testing.assert_array_equal(judgement.upper[:, 60], unchanged.upper[:, 60])


def test_later_days_never_change_an_earlier_verdict() -> None:
    values = office_week(4)
    values[:, 70:] *= 3
    whole, early = judged(values), judged(values[:, :70])
    np.testing.assert_array_equal(whole.is_anomaly[:, :70], early.is_anomaly)
    np.testing.assert_array_equal(whole.expected[:, :70], early.expected)


def test_an_anomaly_does_not_become_the_norm_of_the_next_day() -> None:
    values = office_week(5)
    values[:, 50:58] *= 2.5
    judgement = judged(values)
    assert judgement.is_anomaly[:, 50:58].mean() > 0.97
    assert judgement.is_anomaly[:, 58:].mean() < 0.02


def test_a_new_level_is_an_anomaly_for_two_weeks_and_then_the_norm() -> None:
    values = office_week(6)
    values[:, 50:] *= 2
    flags = judged(values).is_anomaly
    assert flags[:, 50:63].mean() > 0.97
    assert flags[:, 66:].mean() < 0.02


def test_the_fall_back_from_an_accepted_level_is_found() -> None:
    values = office_week(7)
    values[:, 40:70] *= 2
    assert judged(values).is_anomaly[:, 70].mean() > 0.9


def test_traffic_of_weekdays_only_is_quiet_at_weekends() -> None:
    values = office_week(8)
    values[:, np.arange(DAYS) % 7 >= 5] = 0.0
    flags = judged(values).is_anomaly
    assert not flags[:, np.arange(DAYS) % 7 >= 5].any()
    assert flags[:, 21:].mean() < 0.01


def test_traffic_on_a_silent_weekend_is_found() -> None:
    values = office_week(8)
    values[:, np.arange(DAYS) % 7 >= 5] = 0.0
    values[:, 61] = values[:, 60]
    assert MONDAY.weekday() == 0 and 61 % 7 == 5
    assert judged(values).is_anomaly[:, 61].all()


def test_the_first_three_weeks_are_warm_up() -> None:
    values = office_week(9)
    values[:, 10] *= 20
    assert not judged(values).is_anomaly[:, :21].any()


def test_an_outlier_in_the_warm_up_neither_hides_nor_raises_later_ones() -> None:
    values = office_week(10)
    values[:, 10] *= 20
    values[:, 40] *= 2
    flags = judged(values).is_anomaly
    assert flags[:, 40].mean() > 0.9
    assert flags[:, 41:].mean() < 0.01


def test_unknown_days_are_neither_judged_nor_learned() -> None:
    values = office_week(11)
    values[:, 60:63] = np.nan
    judgement = judged(values)
    assert not judgement.is_anomaly[:, 60:63].any()
    assert judgement.is_anomaly[:, 63:].mean() < 0.01


def month_end_series(ends: list[float]) -> tuple[np.ndarray, list[int]]:
    values = office_week(12, days=125)
    days = [28, 58, 89, 119]  # 31 Aug, 30 Sep, 31 Oct, 30 Nov
    for day, factor in zip(days, ends, strict=True):
        values[:, day] *= factor
    return values, days


def test_a_month_end_is_expected_once_it_was_seen_twice() -> None:
    values, days = month_end_series([8, 8, 8, 8])
    flags = judged(values).is_anomaly
    assert flags[:, days[0]].all() and flags[:, days[1]].all()
    assert not flags[:, days[2]].any() and not flags[:, days[3]].any()


def test_a_month_end_far_above_the_usual_one_is_found() -> None:
    values, days = month_end_series([8, 8, 30, 1])
    flags = judged(values).is_anomaly
    assert flags[:, days[2]].all()
    assert flags[:, days[3]].mean() < 0.1


def test_a_step_on_another_day_is_not_excused_by_month_ends() -> None:
    values, _ = month_end_series([8, 8, 8, 8])
    values[:, 100] *= 8
    assert judged(values).is_anomaly[:, 100].all()


@pytest.mark.parametrize("value", [0.0, 5.0], ids=["nothing", "constant"])
def test_a_constant_series_is_quiet_until_it_changes(value: float) -> None:
    values = np.full((1, DAYS), value)
    assert not judged(values).is_anomaly.any()
    values[0, 60] = value + 1
    assert judged(values).is_anomaly[0].tolist() == [day == 60 for day in range(DAYS)]


def test_noise_that_grows_with_the_level_gives_a_band_that_does_too() -> None:
    judgement = judged(office_week(13, series=100, noise=0.1))
    width = (judgement.upper - judgement.expected)[:, 40:82]
    days = np.array([(40 + offset) % 7 for offset in range(42)])
    weekday, weekend = width[:, days < 5], width[:, days >= 5]
    assert weekday.mean() > 1.5 * weekend.mean()


def test_hours_are_judged_by_the_hour_of_the_day() -> None:
    rng = np.random.default_rng(14)
    hours = 24 * 28
    shape = 1 + 0.8 * np.sin(2 * np.pi * np.arange(hours) / 24)
    values = 100 * shape * (1 + 0.05 * rng.standard_normal((20, hours)))
    night = 24 * 20 + 18  # the quietest hour: the noon value would be nothing unusual at noon
    values[:, night] = 180.0
    flags = judge(values, hourly_grid(0, hours), Sensitivity()).is_anomaly
    assert flags[:, night].all()
    assert flags[:, 24 * 7 : night].mean() < 0.005


def test_hours_are_judged_by_the_hour_of_the_week_once_it_is_known() -> None:
    rng = np.random.default_rng(15)
    hours = 24 * 42
    weekday = (np.arange(hours) // 24) % 7 < 5
    values = np.where(weekday, 100.0, 10.0) * (1 + 0.05 * rng.standard_normal((20, hours)))
    flags = judge(values, hourly_grid(0, hours), Sensitivity()).is_anomaly
    assert flags[:, 24 * 28 :].mean() < 0.005
    values[:, 24 * 40 + 3] = 100.0  # a Saturday that looks like a weekday
    assert (24 * 40 // 24) % 7 == 5
    assert judge(values, hourly_grid(0, hours), Sensitivity()).is_anomaly[:, 24 * 40 + 3].mean() > 0.9
