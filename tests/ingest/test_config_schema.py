"""The schema of each configuration file is current, and every key is documented."""

import json
import re
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from ingest.config_schema import MODELS, schema_texts

ROOT = Path(__file__).parents[2]


CONFIG = ROOT / "config"


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_schema_of_a_file_is_current_and_named_on_its_first_line(name: str) -> None:
    generated = schema_texts()[f"{name}.schema.json"]
    first_line = (CONFIG / f"{name}.yml").read_text(encoding="utf-8").splitlines()[0]

    assert (CONFIG / "schema" / f"{name}.schema.json").read_text(encoding="utf-8") == generated, (
        "run: python -m ingest.config_schema config/schema"
    )
    assert first_line == f"# yaml-language-server: $schema=schema/{name}.schema.json"


@pytest.mark.parametrize("name", sorted(MODELS))
def test_an_editor_accepts_the_file_and_marks_an_unknown_key(name: str) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema_texts()[f"{name}.schema.json"]))
    values = json.loads(json.dumps(yaml.safe_load((CONFIG / f"{name}.yml").read_text(encoding="utf-8")), default=str))

    assert list(validator.iter_errors(values)) == []
    assert list(validator.iter_errors(values | {"unknown_key": 1})) != []


def keys_of(model: type[BaseModel]) -> set[str]:
    """Every key of a file, those of its entries included."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found |= keys_of(part)
    return found


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_key_of_a_file_is_documented(name: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", page, flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(f"{name}.yml"))

    assert {key for key in keys_of(MODELS[name]) if not re.search(rf"[`.]{key}[`.\[]", text)} == set()
