"""Colours that can be seen on both backgrounds, and drawings that hide no unknown and no incomplete day."""

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dashboard import capacity_charts, charts

THEME = tomllib.loads((Path(charts.__file__).parent / ".streamlit" / "config.toml").read_text())["theme"]


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("colour", [*charts.PALETTE, charts.GREY])
def test_marks_stand_out_on_the_background(colour: str, mode: str) -> None:
    high, low = sorted((luminance(colour), luminance(THEME[mode]["backgroundColor"])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3


def test_theme_and_charts_share_one_palette() -> None:
    assert THEME["chartCategoricalColors"] == list(charts.PALETTE)


def day(complete: bool, cost: Decimal | None) -> dict[str, object]:
    return {"charge_date": date(2026, 11, 16), "provider": "aws", "is_complete": complete, "cost": cost}


def test_incomplete_day_is_marked_and_unknown_cost_is_not_drawn_as_zero() -> None:
    drawing = charts.stacked_days(
        [day(True, Decimal("1.23")), day(False, None)],
        series="provider",
        value="cost",
        title="Billed cost, USD",
        colours=charts.PROVIDER_COLOURS,
        currency="USD",
    ).to_dict()
    values = drawing["data"]["values"]
    assert [row["state"] for row in values] == ["complete", "incomplete"]
    assert [row["cost"] for row in values] == [1.23, None]
    assert [row["amount_text"] for row in values] == ["$1.23", "unknown"]
    assert drawing["encoding"]["y"]["title"] == "Billed cost, USD"


def test_teams_beyond_the_palette_share_a_colour_and_unallocated_is_grey() -> None:
    colours = charts.team_colours(["unallocated", *(f"team-{n}" for n in range(9))])
    assert list(colours)[-2:] == ["other teams", "unallocated"]
    assert colours["unallocated"] == charts.GREY
    assert len(set(colours.values())) == len(colours)


def test_break_even_above_full_use_stays_in_the_picture() -> None:
    row = {
        "usage_date": date(2026, 11, 16),
        "utilization_ratio": 0.5,
        "break_even_ratio": Decimal("1.07"),
    }
    drawing = capacity_charts.utilisation([row], time="usage_date").to_dict()
    assert drawing["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 1.07]
