import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from alerts.config import AlertsConfig

CONFIG = Path(__file__).parents[2] / "config"
CHANNEL = {"name": "finops", "kind": "slack", "url_env": "THE_URL"}


def demo() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CONFIG / "alerts.yml").read_text(encoding="utf-8"))
    return loaded


def test_the_shipped_file_is_valid_and_holds_no_address() -> None:
    config = AlertsConfig.model_validate(demo())
    assert [channel.kind for channel in config.channels] == ["slack", "webhook", "email"]
    assert all(channel.url_env.startswith("INFERLEDGER_ALERT_") for channel in config.channels)
    assert "hooks.slack.com" not in (CONFIG / "alerts.yml").read_text(encoding="utf-8")


def test_the_schema_beside_it_is_the_one_of_the_model() -> None:
    generated = json.dumps(AlertsConfig.model_json_schema(), indent=2, sort_keys=True) + "\n"
    written = CONFIG / "schema" / "alerts.schema.json"
    assert written.read_text(encoding="utf-8") == generated, f"write the model's schema to {written}"
    jsonschema.Draft202012Validator(json.loads(generated)).validate(demo())


def test_what_is_not_said_has_its_default() -> None:
    config = AlertsConfig.model_validate({"channels": [CHANNEL]})
    assert (config.minimum_usd, config.max_age_days, config.digest_above) == (Decimal(100), 14, 5)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"channels": []}, "channels"),
        ({"channels": [CHANNEL, CHANNEL]}, "channels"),
        ({"channels": [{**CHANNEL, "kind": "pager"}]}, "kind"),
        ({"channels": [{**CHANNEL, "url": "https://hooks.slack.com/x"}]}, "url"),
        ({"channels": [{**CHANNEL, "url_env": "https://hooks.slack.com/x"}]}, "url_env"),
        ({"minimum_usd": -1, "channels": [CHANNEL]}, "minimum_usd"),
        ({"minimum_dollars": 5, "channels": [CHANNEL]}, "minimum_dollars"),
        ({"dashboard_url": "costs.acme.example", "channels": [CHANNEL]}, "dashboard_url"),
    ],
)
def test_a_mistake_is_refused_where_it_is(wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as raised:
        AlertsConfig.model_validate(wrong)
    assert where in {str(part) for error in raised.value.errors() for part in error["loc"]}
