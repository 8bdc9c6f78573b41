"""A price of a model that the seed of models does not hold is refused before anything lands."""

from pathlib import Path

import pytest

from ingest.errors import ConfigError
from pipeline.ingesting import check_price_models

CONFIG = Path(__file__).parents[2] / "config"
DATED = "valid_from: 2026-01-01, source: a, source_date: 2026-01-01"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            f"token_prices:\n  - {{provider: azure, model: gpt-4oo, usd_per_mtok: {{input: 1}}, {DATED}}}\n",
            r"prices.yml:2: token_prices\[0\].model: 'gpt-4oo' is no known model; did you mean 'gpt-4o'",
        ),
        (
            f"token_prices:\n  - {{provider: azure, model: zzz, usd_per_mtok: {{input: 1}}, {DATED}}}\n",
            r"'zzz' is no known model; add it to dbt/seeds/models.csv first",
        ),
        (
            f"discounts:\n  - {{id: a, provider: aws, models: [nova-*, titanic-*], percent: 5, {DATED}}}\n",
            r"prices.yml:2: discounts\[0\].models\[1\]: 'titanic-\*' matches no known model",
        ),
    ],
)
def test_a_model_that_nobody_knows_is_refused_with_its_place(tmp_path: Path, entry: str, said: str) -> None:
    (tmp_path / "prices.yml").write_text(entry)
    with pytest.raises(ConfigError, match=said):
        check_price_models(tmp_path)


def test_the_shipped_prices_name_known_models() -> None:
    check_price_models(CONFIG)
