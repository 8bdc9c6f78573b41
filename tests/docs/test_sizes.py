"""What the code is held to so that it stays readable: a module 300 lines, a function 50, an SQL model 120."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("alerts", "bench", "dags", "dashboard", "emulator", "ingest", "pipeline", "signals", "state", "tests")


def modules():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def models():
    return sorted((ROOT / "dbt" / "models").rglob("*.sql"))


def lines(path):
    return len(path.read_text().splitlines())


def too_long(paths, limit):
    return {str(path.relative_to(ROOT)): lines(path) for path in paths if lines(path) > limit}


def test_no_module_is_longer_than_300_lines():
    assert len(modules()) > 100
    assert too_long(modules(), 300) == {}


def test_no_function_is_longer_than_50_lines():
    found = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 50:
                    found[f"{path.relative_to(ROOT)}:{node.name}"] = length
    assert found == {}


def test_no_model_is_longer_than_120_lines():
    assert len(models()) > 100
    assert too_long(models(), 120) == {}
