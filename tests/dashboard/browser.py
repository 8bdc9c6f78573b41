"""A real browser on a real dashboard."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
NO_CHROMIUM = "no Chromium: `apt-get install -y chromium`, or name one in CHROMIUM"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TIMEOUT_MS = 30_000
_DRAWN = """() => {
    const app = document.querySelector("[data-testid=stApp]");
    return app?.getAttribute("data-test-script-state") === "notRunning"
        && document.querySelector("h1") !== null
        && document.querySelector("[data-testid=stSkeleton]") === null;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield browser
        browser.close()


def wait_drawn(page: Page) -> None:
    """Wait until the script has run to its end and nothing is a placeholder any more."""
    page.wait_for_function(_DRAWN, timeout=_TIMEOUT_MS)


def settle(page: Page) -> None:
    """Wait until a click has reached the script, and its run is over."""
    page.wait_for_timeout(400)
    wait_drawn(page)


def troubles(page: Page) -> list[str]:
    """Exception boxes and error boxes on the page, as text."""
    boxes = page.locator("[data-testid=stException], [data-testid=stAlertContentError]")
    return boxes.all_inner_texts()
