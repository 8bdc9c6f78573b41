"""The dashboard as a person uses it: in Chromium, every page, every filter touched, links opened."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.serve import serve
from tests.dashboard import browser as chrome
from tests.dashboard import fixture_published

pytestmark = pytest.mark.skipif(chrome.CHROMIUM is None, reason=chrome.NO_CHROMIUM)

PAGES = {
    "Overview": "",
    "Teams": "teams",
    "Models": "models",
    "Prices": "prices",
    "Capacity": "capacity",
    "Spikes": "spikes",
    "Reconciliation": "reconciliation",
    "Ownership": "ownership",
    "Data health": "data-health",
}


@pytest.fixture(scope="module")
def url(shared_home: Path) -> Iterator[str]:
    """Where the dashboard answers."""
    served = serve(shared_home, 0)
    yield served.url
    served.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the file."""
    with chrome.chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page whose script errors fail the test."""
    opened = chromium.new_page(viewport={"width": 1440, "height": 1000})
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    yield opened
    opened.close()
    assert failures == []


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of a select box or multiselect in the sidebar, by typing it: the list then offers nothing else."""
    box = page.get_by_test_id("stSidebar").get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    # before the list is drawn anew another option lies where this one was found, `Select all` at worst
    expect(page.get_by_role("option").first).to_have_text(option)
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")
    chrome.settle(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_from_the_navigation(chromium: Browser, url: str, scheme: str) -> None:
    page = chromium.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(url)
    chrome.wait_drawn(page)
    for title in PAGES:
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        expect(page.locator("h1")).to_have_text(title)
        chrome.settle(page)
        assert chrome.troubles(page) == [], title
        if title not in ("Prices", "Spikes", "Data health"):
            expect(page.locator("[data-testid=stVegaLiteChart] .marks").first).to_be_visible()
    page.close()


def test_every_filter_is_touched_on_every_page_and_stays_in_the_link(page: Page, url: str) -> None:
    page.goto(url)
    chrome.wait_drawn(page)
    choose(page, "Period", "Last 90 complete days")
    choose(page, "Provider", "Azure OpenAI")
    choose(page, "Provider", "Google Vertex AI")
    choose(page, "Team", "docs")
    choose(page, "Environment", "prod")
    choose(page, "Charge category", "Usage")
    page.get_by_test_id("stSidebar").get_by_text("Effective", exact=True).click()
    choose(page, "Currency", "EUR as billed")
    chosen = {
        "period": ["Last 90 complete days"],
        "provider": ["Azure OpenAI", "Google Vertex AI"],
        "team": ["docs"],
        "environment": ["prod"],
        "charge_category": ["Usage"],
        "basis": ["Effective"],
        "currency": ["EUR as billed"],
    }
    assert asked(page) == chosen
    for title in PAGES:
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        expect(page.locator("h1")).to_have_text(title)
        chrome.settle(page)
        assert chrome.troubles(page) == [], title
        assert asked(page) == chosen, title


def test_shared_link_shows_its_reader_the_same_numbers(page: Page, chromium: Browser, url: str) -> None:
    page.goto(f"{url}/?period=Last+7+complete+days&provider=AWS+Bedrock&team=support&basis=Effective")
    chrome.wait_drawn(page)
    first = page.get_by_test_id("stMetricValue").first.inner_text()
    other = chromium.new_page()
    other.goto(page.url)
    chrome.wait_drawn(other)
    assert other.get_by_test_id("stMetricValue").first.inner_text() == first
    assert "Effective cost, USD" in other.get_by_test_id("stMain").inner_text()
    other.close()
    page.goto(url)
    chrome.wait_drawn(page)
    assert page.get_by_test_id("stMetricValue").first.inner_text() != first


def test_days_chosen_by_hand_are_kept(page: Page, url: str) -> None:
    page.goto(f"{url}/?period=Days+I+choose&days=2026-10-01&days=2026-10-05")
    chrome.wait_drawn(page)
    assert page.get_by_test_id("stDateInput").count() == 1
    assert "1 to 5 Oct 2026" in page.get_by_test_id("stSidebar").inner_text()
    assert chrome.troubles(page) == []


@pytest.mark.parametrize("path", ["spikes?spike=sp-ticket-triage", "?spike=sp-ticket-triage"])
def test_alert_link_opens_the_spike_and_leads_back(page: Page, url: str, path: str) -> None:
    page.goto(f"{url}/{path}&period=This+month+so+far")
    expect(page.get_by_text("Verdict: efficiency.")).to_be_visible(timeout=30_000)
    expect(page.locator("h3", has_text="support / ticket-triage up")).to_be_visible()
    page.get_by_role("button", name="All spikes").click()
    expect(page.get_by_text("Direction", exact=True)).to_be_visible()
    chrome.settle(page)
    assert asked(page) == {"period": ["This month so far"]}


def test_overview_leads_to_a_spike_with_the_filters(page: Page, url: str) -> None:
    page.goto(f"{url}/?team=support")
    chrome.wait_drawn(page)
    page.get_by_role("link", name="ticket-triage").click()
    expect(page.get_by_text("Verdict: efficiency.")).to_be_visible()
    assert asked(page) == {"team": ["support"], "spike": ["sp-ticket-triage"]}


def test_table_downloads_every_digit(page: Page, url: str) -> None:
    page.goto(f"{url}/teams?period=Last+7+complete+days")
    chrome.wait_drawn(page)
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == 'Team,"Spend, USD",Share,"Before, USD","Change, USD"'
    assert any(line.startswith("unallocated,") for line in lines)
    spend = lines[1].split(",")[1]
    assert len(spend.partition(".")[2]) == 12


def test_open_page_renews_itself_when_a_run_publishes(page: Page, tmp_path: Path) -> None:
    served = serve(tmp_path, 0)
    try:
        page.goto(served.url)
        expect(page.get_by_text("Nothing has been published yet")).to_be_visible(timeout=30_000)
        fixture_published.build(tmp_path, empty=True)
        expect(page.get_by_text("holds no charges yet")).to_be_visible(timeout=30_000)
        fixture_published.build(tmp_path)
        expect(page.get_by_text("Spend in the period")).to_be_visible(timeout=60_000)
        assert chrome.troubles(page) == []
    finally:
        served.stop()


def test_demo_data_opens_on_every_page_and_spike(page: Page, demo_home: Path) -> None:
    served = serve(demo_home, 0)
    try:
        for path in PAGES.values():
            page.goto(f"{served.url}/{path}")
            chrome.wait_drawn(page)
            assert chrome.troubles(page) == [], path
        page.goto(served.url)
        page.get_by_test_id("stPageLink").get_by_role("link").first.click()
        expect(page.get_by_text("What it is made of")).to_be_visible(timeout=30_000)
        assert chrome.troubles(page) == []
    finally:
        served.stop()


def test_narrow_screen_keeps_everything_inside(chromium: Browser, url: str) -> None:
    page = chromium.new_page(viewport={"width": 420, "height": 900})
    page.goto(url)
    chrome.wait_drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert chrome.troubles(page) == []
    page.close()
