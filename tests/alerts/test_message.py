from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from alerts.findings import Published, Spike
from alerts.message import Message, dollars, plain_text, slack_text, spike_message

BASE: dict[str, Any] = {
    "spike_id": "aaaa", "lane": "billed", "started_on": date(2026, 11, 2), "detected_on": date(2026, 11, 2),
    "ended_on": date(2026, 11, 6), "provider": "azure", "team": "devtools", "product": "code-review",
    "sub_account_id": None, "model": None, "metric": "effective_cost_usd", "direction": "up", "actual": Decimal(150),
    "expected": Decimal(100), "impact_usd": Decimal(50), "verdict": "volume", "drivers": {},
}  # fmt: skip


def message(complete: date | None = date(2026, 11, 16), **differences: Any) -> Message:
    spike = Spike(**{**BASE, **differences})
    known = {(spike.lane, spike.provider): complete}
    return spike_message(spike, Published(datetime(2026, 11, 18, 6, tzinfo=UTC), (spike,), known), "http://here/")


def line(name: str, **differences: Any) -> str:
    return dict(message(**differences).lines)[name]


NOBODY = {"team": "unallocated", "product": None, "sub_account_id": "acme-labs-7f", "provider": "gcp"}


@pytest.mark.parametrize(
    ("differences", "title"),
    [
        ({}, "devtools / code-review on Azure: $50 above expected"),
        ({"direction": "down", "impact_usd": Decimal(-50)}, "devtools / code-review on Azure: $50 below expected"),
        ({"product": None}, "devtools on Azure: $50 above expected"),
        ({"verdict": "new", "ended_on": None}, "New cost: devtools / code-review on Azure, $50 so far"),
        ({"verdict": "new"}, "New cost: devtools / code-review on Azure, $50"),
        (
            {"verdict": "vanished", "direction": "down", "impact_usd": Decimal(-50)},
            "Cost stopped: devtools / code-review on Azure, $50 below expected",
        ),
        ({**NOBODY, "verdict": "new"}, "New cost that no team owns: account acme-labs-7f on Google Cloud, $50"),
        (NOBODY, "Cost that no team owns is $50 above expected: account acme-labs-7f on Google Cloud"),
    ],
)
def test_the_title_says_who_and_how_much(differences: dict[str, Any], title: str) -> None:
    assert message(**differences).title == title


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ({}, "Mon 2 Nov 2026 to Fri 6 Nov 2026"),
        ({"ended_on": date(2026, 11, 2)}, "on Mon 2 Nov 2026"),
        ({"ended_on": None}, "since Mon 2 Nov 2026, still going on"),
        (
            {"started_on": date(2026, 10, 1), "ended_on": date(2026, 10, 28)},
            "Thu 1 Oct 2026 to Wed 28 Oct 2026; after four weeks it counts as the new normal",
        ),
    ],
)
def test_when(differences: dict[str, Any], words: str) -> None:
    assert line("When", **differences) == words


@pytest.mark.parametrize("verdict", ["volume", "efficiency", "mix", "price"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_every_cause_has_words_for_both_directions(verdict: str, direction: str) -> None:
    words = line("Why", verdict=verdict, direction=direction)
    assert words != verdict and len(words.split()) > 1


def test_the_cause_names_what_each_driver_adds() -> None:
    drivers = {"volume": Decimal("-3"), "price": Decimal("53"), "mix": Decimal("0.4")}
    words = line("Why", verdict="price", drivers=drivers)
    assert words == "the same tokens at a higher unit price (unit price +$53, number of requests -$3.00)"


def test_an_estimate_says_so_and_names_its_price() -> None:
    assert line("Basis", lane="estimate") == (
        "estimated cost, in USD: metered tokens at list price, for days not yet billed"
    )


def test_how_complete_the_data_are_is_always_said() -> None:
    assert line("Complete") == "the bill is complete through Mon 16 Nov 2026; later days are not judged."
    assert line("Complete", complete=None) == "it is not known through which day the bill is complete."
    assert line("Complete", lane="estimate").startswith("the usage is complete through")


def test_nothing_expected_has_no_percentage() -> None:
    assert line("How much", expected=Decimal(0)) == "$150 instead of $0.00: +$50"


def test_slack_marks_up_its_own_signs() -> None:
    text = slack_text(message(product="a<b>&c"))
    assert "devtools / a&lt;b&gt;&amp;c" in text
    assert "<http://here/?spike=aaaa|Look closer>" in text


def test_plain_text_ends_with_the_clock() -> None:
    assert plain_text(message()).endswith("inferledger, as of 2026-11-18 06:00 UTC")


@pytest.mark.parametrize(
    ("usd", "text"),
    [("0.125", "$0.12"), ("9.995", "$10.00"), ("10.5", "$10"), ("11.5", "$12"), ("-1234567.8", "-$1,234,568")],
)
def test_dollars_are_rounded_half_even_for_people(usd: str, text: str) -> None:
    assert dollars(Decimal(usd)) == text
