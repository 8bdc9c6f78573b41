"""Every fact in `docs/facts` names tests that exist, and every test named after a fact stands in a page."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in (ROOT / "docs" / "facts").glob("*.md") if path.name != "README.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(?:\w+::)?(\w+)`")
UNIT_TEST = re.compile(r"dbt unit test `(\w+)`")
UNIT_TESTS = "\n".join(path.read_text() for path in (ROOT / "dbt" / "models").rglob("*.yml"))
FACT_TEST = re.compile(r"test_(aws|gcp|azure)_\d+_")


def functions(path: Path) -> set[str]:
    """The test functions of a file."""
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def named_tests() -> set[tuple[str, str]]:
    return {found for page in PAGES for found in NAMED.findall(page.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_fact_has_a_test_that_exists(page: Path) -> None:
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ") and not line.startswith("| fact")]
    assert rows
    for row in rows:
        found, units = NAMED.findall(row), UNIT_TEST.findall(row)
        assert found or units, f"no test in: {row}"
        assert all(f"- name: {name}\n" in UNIT_TESTS for name in units), row
        for file, name in found:
            assert (ROOT / file).is_file(), row
            assert name in functions(ROOT / file), f"{file} has no {name}"


def test_each_numbered_fact_of_a_cloud_stands_in_the_name_of_a_test_of_it() -> None:
    tests: dict[str, list[str]] = {}
    for line in "\n".join(page.read_text() for page in PAGES).splitlines():
        if fact := re.match(r"\| (AWS|GCP|Azure) ([\d.]+) \|", line):
            number = f"{fact[1]}_{fact[2]}".lower().replace(".", "_")
            tests.setdefault(number, []).extend([name for _, name in NAMED.findall(line)] + UNIT_TEST.findall(line))
    assert len(tests) > 40
    assert [number for number, names in tests.items() if not any(f"{number}_" in name for name in names)] == []


def test_each_test_named_after_a_fact_stands_in_a_page() -> None:
    named = {name for _, name in named_tests()}
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    loose = {name for path in files for name in functions(path) if FACT_TEST.match(name)} - named
    assert not loose


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "facts" / "README.md").read_text()
    assert [page.name for page in PAGES if f"({page.name})" not in index] == []
