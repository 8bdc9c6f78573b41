"""How fast the dashboard answers: each statement, and each page in a browser after its first load.

``python bench/bench_dashboard.py [HOME]`` where HOME holds ``published/inferledger.duckdb``; without one, a small
published file of ninety days is made for it. The baseline of a statement
is a bare scan of the table it leans on most, in the same run; the baseline of a page is Streamlit's health answer.
"""

import argparse
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dashboard import filters, store
from dashboard.serve import serve
from tests.dashboard import browser as chrome
from tests.dashboard import fixture_published

PAGES = ("", "teams", "models", "capacity", "spikes", "data-health")


def median_ms(action: Callable[[], object], rounds: int) -> float:
    """Median wall time in milliseconds, the first call left out."""
    action()
    taken: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def bench_statements(home: Path, rounds: int) -> None:
    """Each file in ``dashboard/queries`` over ninety days, uncached."""
    published = store.Published(home / "published" / "inferledger.duckdb")
    identity = published.identity()
    through = published.fetch("publication", {}, identity=identity)[0]["complete_through"]
    period = filters.period("90d", complete_end=through + timedelta(days=1))
    spikes = published.fetch("spikes", {**_choice(period), "direction": None}, identity=identity)
    capacities = published.fetch("capacities", _choice(period), identity=identity)
    parameters = _choice(period) | {
        "direction": None,
        "spike_id": spikes[0]["spike_id"] if spikes else None,
        "capacity_id": capacities[0]["capacity_id"] if capacities else None,
    }
    scan = median_ms(lambda: published.fetch("filter_options", parameters, identity=identity), rounds)
    print(f"{'statement':24}{'median ms':>12}{'rows':>8}{'of a scan':>12}")
    for name in sorted(path.stem for path in store.QUERIES.glob("*.sql")):
        taken = median_ms(lambda name=name: published.fetch(name, parameters, identity=identity), rounds)
        rows = len(published.fetch(name, parameters, identity=identity))
        print(f"{name:24}{taken:12.1f}{rows:8}{taken / scan:11.1f}x")
    published.close()


def _choice(period: filters.Period) -> dict[str, object]:
    selection = filters.Selection(
        period=period,
        chart_end=period.end_day + timedelta(days=2),
        providers=None,
        teams=None,
        environments=None,
        charge_categories=None,
        basis="effective",
        currency="USD",
        in_usd=True,
    )
    return selection.parameters()


def bench_pages(home: Path, rounds: int) -> None:
    """Each page by its link, cold once and then again, until nothing moves any more."""
    served = serve(home, 0)
    try:
        health = median_ms(lambda: urllib.request.urlopen(f"{served.url}/_stcore/health").read(), rounds)
        print(f"\nhealth answer (baseline): {health:.1f} ms")
        print(f"{'page':24}{'first s':>12}{'then s':>12}")
        with chrome.chromium() as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})

            def load(path: str) -> None:
                page.goto(f"{served.url}/{path}")
                chrome.wait_drawn(page)

            for path in PAGES:
                started = time.perf_counter()
                load(path)
                first = time.perf_counter() - started
                then = median_ms(lambda path=path: load(path), rounds) / 1000
                print(f"{path or 'overview':24}{first:12.2f}{then:12.2f}")
    finally:
        served.stop()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home: Path = arguments.home or Path(folder)
        if arguments.home is None:
            fixture_published.build(home)
        bench_statements(home, arguments.rounds)
        if chrome.CHROMIUM is None:
            print(f"\npages not measured: {chrome.NO_CHROMIUM}")
        else:
            bench_pages(home, arguments.rounds)


if __name__ == "__main__":
    main()
