"""JSON schemas of the configuration files, for editors that know `# yaml-language-server: $schema=`.

`python -m ingest.config_schema config/schema` writes them; a test fails when a model and its schema differ.
"""

import json
import sys
from pathlib import Path

from ingest.config import SourcesConfig
from ingest.config_ownership import OwnershipConfig
from ingest.config_prices import PricesConfig
from ingest.config_rules import BudgetsConfig, ScopeConfig
from ingest.yaml_config import StrictModel

MODELS: dict[str, type[StrictModel]] = {
    "sources": SourcesConfig,
    "scope": ScopeConfig,
    "ownership": OwnershipConfig,
    "prices": PricesConfig,
    "budgets": BudgetsConfig,
}


def schema_texts() -> dict[str, str]:
    """File name to content, one schema per configuration file."""
    return {
        f"{name}.schema.json": json.dumps(model.model_json_schema(by_alias=True), indent=2, sort_keys=True) + "\n"
        for name, model in MODELS.items()
    }


def write_schemas(folder: Path) -> None:
    """Write every schema into `folder`, which is made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
