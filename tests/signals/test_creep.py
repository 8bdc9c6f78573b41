import numpy as np
import pytest

from signals.creep import CreepRule, find_creeps

DAYS = 90
WEEK = np.array([1.0, 1.0, 1.1, 1.0, 0.9, 0.5, 0.4])
RULE = CreepRule()


def steady(seed: int = 1, days: int = DAYS) -> np.ndarray:
    return 300 * np.resize(WEEK, days) * (1 + 0.04 * np.random.default_rng(seed).standard_normal(days))


def growing(per_day: float, start: int = 45, stop: int = DAYS) -> np.ndarray:
    days = np.clip(np.arange(DAYS) - start + 1, 0, stop - start)
    return steady() * (1 + per_day) ** days


def found(values: np.ndarray, rule: CreepRule = RULE) -> list:
    expected = 300 * np.resize(WEEK, DAYS)
    clean = values[None, :]
    return find_creeps(clean, np.where(True, clean * 1.03, expected), np.ones_like(clean, dtype=bool), rule)


def test_two_percent_a_day_is_one_open_creep() -> None:
    (creep,) = found(growing(0.02))
    assert (creep.side, creep.is_open) == (1, True)
    assert 45 - 4 <= creep.first <= 45 + 4
    assert 60 <= creep.detected <= 70


def test_a_creep_ends_when_growth_does() -> None:
    (creep,) = found(growing(0.02, stop=72))
    assert not creep.is_open
    assert 72 <= creep.last <= 80


def test_a_slow_fall_is_a_creep_downwards() -> None:
    (creep,) = found(growing(-0.025))
    assert creep.side == -1


def test_what_is_expected_is_the_week_before_it_began() -> None:
    values = growing(0.02)
    (creep,) = found(values)
    np.testing.assert_array_equal(creep.expected[:7], values[creep.first - 7 : creep.first])
    np.testing.assert_array_equal(creep.expected[7:14], creep.expected[:7])


@pytest.mark.parametrize(
    "values",
    [steady(), growing(0.002), np.where(np.arange(DAYS) < 50, 1, 2) * steady(), steady() * 0],
    ids=["steady", "healthy growth", "one step", "nothing"],
)
def test_no_creep(values: np.ndarray) -> None:
    assert found(values) == []


def test_cents_are_no_creep() -> None:
    assert found(growing(0.02) / 100) == []


def test_noise_as_large_as_the_rise_is_no_creep() -> None:
    values = growing(0.02)
    clean = values[None, :]
    assert find_creeps(clean, clean * 2, np.ones_like(clean, dtype=bool), RULE) == []


def test_days_that_are_not_complete_are_not_compared() -> None:
    values = growing(0.02)[None, :]
    judgeable = np.ones_like(values, dtype=bool)
    judgeable[:, 55:] = False
    assert find_creeps(values, values, judgeable, RULE) == []
