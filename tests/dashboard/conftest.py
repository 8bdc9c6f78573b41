"""Homes with a published file, and the dashboard run in-process as Streamlit runs it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.dashboard import fixture_published

APP = Path(__file__).parents[2] / "dashboard" / "streamlit_app.py"
PAGES = ("overview", "teams", "models", "prices", "capacity", "spikes", "reconciliation", "ownership", "data_health")

OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INFERLEDGER_HOME", "INFERLEDGER_STATE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INFERLEDGER_AS_OF", fixture_published.AS_OF.isoformat())
    st.cache_resource.clear()


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with ninety published days; not to be changed."""
    home = tmp_path_factory.mktemp("published")
    fixture_published.build(home)
    return home


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Open a page of a home with filters set, and let the script run to its end.

    ``link`` holds query parameters that no widget is bound to: those only a browser hands over (test_browser.py).
    """

    def open_it(
        home: Path, page: str = "overview", *, link: dict[str, str | list[str]] | None = None, **chosen: str | list[str]
    ) -> AppTest:
        monkeypatch.setenv("INFERLEDGER_HOME", str(home))
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in (link or {}).items():
            app.query_params[name] = value
        for name, value in chosen.items():
            app.session_state[name] = value
        app.run()
        if page != "overview":
            app.switch_page(f"app_pages/{page}.py").run()
        return app

    return open_it


def words(app: AppTest) -> str:
    """Everything a reader sees as text on the page."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "success")
    texts = [element.value for kind in kinds for element in app.get(kind)]
    texts += [f"{metric.label} {metric.value} {metric.delta}" for metric in app.metric]
    return "\n".join(str(text) for text in texts).replace("\\", "")
