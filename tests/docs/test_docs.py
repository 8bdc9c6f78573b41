"""What can be used is written down, what is written down exists, and the README stays short."""

import re
from pathlib import Path

import pytest
import typer

from ingest.registry import SOURCES
from ingest.settings import Settings
from pipeline.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROSE = "\n".join(path.read_text() for path in PAGES)
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented_and_helps_with_an_example(command: str) -> None:
    assert f"inferledger {command}" in PROSE
    help_text = typer.main.get_command(app).commands[command].help  # type: ignore[attr-defined]
    assert "Example: inferledger" in help_text


@pytest.mark.parametrize("name", ["home", "config_dir", "state_url", "as_of", "dashboard_url"])
def test_every_setting_is_documented(name: str) -> None:
    assert name in Settings.model_fields
    assert f"INFERLEDGER_{name.upper()}" in (ROOT / "docs" / "running.md").read_text()


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_its_page(source: str) -> None:
    page = (ROOT / "docs" / "sources" / f"{source}.md").read_text()
    assert page.startswith(f"# {source}")


@pytest.mark.parametrize("page", sorted((ROOT / "dashboard" / "app_pages").glob("*.py")), ids=lambda path: path.stem)
def test_every_page_is_documented(page: Path) -> None:
    title = page.stem.replace("_", " ").capitalize()
    assert title in (ROOT / "docs" / "dashboard.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readme_is_short_and_starts_with_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 200
    top = "\n".join(lines[:12])
    assert "make demo" in top
    assert "make test" in top
