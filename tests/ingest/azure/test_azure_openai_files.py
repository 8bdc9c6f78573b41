"""What the Azure command line prints of Azure OpenAI lands as the API's answers do."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.azure_client import AccountRef, AzureCaller, list_accounts, reader
from ingest.contracts import Context
from ingest.errors import CorruptFile, SchemaChanged
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.run import Window
from ingest.sources import azure_openai, azure_openai_metrics
from ingest.sources.azure_openai_answers import Monitor
from ingest.sources.azure_openai_metrics import HOUR, METRICS_HOURLY, METRICS_MINUTELY, QUESTIONS

APPS = "5b000000-0000-4000-8000-00000000000a"
DAY = Window(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC))
ID = "/subscriptions/S/resourceGroups/Rg/providers/Microsoft.CognitiveServices/accounts/oai-Docs"


def save(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2))
    return path


def load(made: Context, path: Path) -> list[Any]:
    with open_folder(str(path), made.settings) as folder:
        return azure_openai_metrics.load_files(made, folder, None)


def asked(caller: AzureCaller, path: str) -> Any:
    return caller.get_json(caller.costs(), path, what="a test", permission=reader(APPS))


def printed(made: Context, folder: Path) -> list[AccountRef]:
    """The answers of a subscription's accounts, in files as the command line would print them."""
    caller = AzureCaller(made.settings, made.config.azure.tenant_id)
    monitor, accounts = Monitor(caller, APPS), list_accounts(caller, APPS)
    provider = "providers/Microsoft.CognitiveServices/accounts?api-version=2024-10-01"
    save(folder / "accounts.json", asked(caller, f"/subscriptions/{APPS}/{provider}")["value"])
    for account in accounts:
        deployments = asked(caller, f"{account.resource_id}/deployments?api-version=2024-10-01")
        save(folder / f"{account.name}.txt", deployments["value"])
        for number, question in enumerate(QUESTIONS):
            answer = monitor._single(account, question, DAY, HOUR, question.filter(), "a test")
            save(folder / f"{account.name}-{number}.json", answer)
    return accounts


def rows(made: Context, contract: Any) -> list[str]:
    return sorted(str(row) for row in made.landing.read(contract, scope=APPS).select(contract.schema.names).to_pylist())


def metric(value: list[dict[str, Any]], name: str = "InputTokens", **changes: Any) -> dict[str, Any]:
    series = {"metadatavalues": [{"name": {"value": "modeldeploymentname"}, "value": "gpt"}], "data": value}
    told = {"id": f"{ID}/providers/Microsoft.Insights/metrics/{name}", "name": {"value": name}, "unit": "Count"}
    answer = {
        "interval": "PT1H",
        "namespace": "Microsoft.CognitiveServices/accounts",
        "resourceregion": "swedencentral",
    }
    return answer | {"value": [told | {"timeseries": [series]}]} | changes


SAMPLE = [{"timeStamp": "2026-11-16T05:00:00+00:00", "total": 7.0, "average": None}]


def test_files_land_the_rows_of_the_api(context, tmp_path):
    made = context()
    azure_openai.load(made, None)
    azure_openai_metrics.load(made, DAY)
    printed(made, tmp_path / "printed")
    (tmp_path / "printed" / "chart.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    others = Context(made.settings, made.config, Landing(str(tmp_path / "other"), made.run), made.run)
    load(others, tmp_path / "printed")
    for contract in (azure_openai.DEPLOYMENTS, METRICS_HOURLY):
        assert rows(others, contract)
        assert rows(others, contract) == rows(made, contract)
    assert not any(result.changed for result in load(others, tmp_path / "printed"))
    # an account alone replaces its own rows, and nothing of the others
    alone = next(path for path in (tmp_path / "printed").glob("*-0.json") if json.loads(path.read_text())["value"])
    load(made, alone)
    assert rows(made, METRICS_HOURLY) == rows(others, METRICS_HOURLY)


def test_a_deployment_without_its_account_takes_the_region_from_its_metrics(context, tmp_path):
    made, folder = context(), tmp_path / "printed"
    item = {
        "id": f"{ID}/deployments/gpt", "name": "gpt", "type": "Microsoft.CognitiveServices/accounts/deployments",
        "sku": {"name": "GlobalStandard", "capacity": 30}, "tags": None,
        "properties": {"model": {"format": "OpenAI", "name": "gpt-4o", "version": "2024-11-20"}},
    }  # fmt: skip
    save(folder / "deployments.json", [item])
    save(folder / "metrics.json", metric(SAMPLE))
    save(folder / "minutes.json", metric(SAMPLE, interval="0:01:00"))
    load(made, folder)
    (row,) = made.landing.read(azure_openai.DEPLOYMENTS).to_pylist()
    assert (row["account_name"], row["account_location"], row["model_name"], row["subscription_id"]) == (
        "oai-Docs", "swedencentral", "gpt-4o", "s",
    )  # fmt: skip
    assert [row["total"] for row in made.landing.read(METRICS_HOURLY).to_pylist()] == [7.0]
    assert made.landing.read(METRICS_MINUTELY).num_rows == 1


@pytest.mark.parametrize(
    ("document", "error", "says"),
    [
        (metric(SAMPLE, interval="PT5M"), SchemaChanged, "its interval is pt5m; ask with --interval PT1H"),
        (metric([{"timeStamp": "soon", "total": 1}]), SchemaChanged, "a.json: a metric has another shape"),
        (metric([{"timeStamp": "2026-11-16T05:00:30Z", "total": 1}]), SchemaChanged, "none of a grain of an hour"),
        (metric(SAMPLE) | {"value": [{"id": "x"}]}, SchemaChanged, "a.json is not as the Azure command line"),
        ([{"type": "Microsoft.CognitiveServices/accounts/deployments", "id": ID}], SchemaChanged, "'name'"),
        ({"value": []}, SchemaChanged, "holds no answer of: az cognitiveservices"),
    ],
    ids=["five minutes", "no time", "half a minute", "no account", "no name", "something else"],
)
def test_what_is_not_as_it_is_printed_is_told_with_its_file(context, tmp_path, document, error, says):
    with pytest.raises(error, match=says):
        load(context(), save(tmp_path / "a.json", document))


def test_an_answer_that_breaks_off_is_refused(context, tmp_path):
    text = json.dumps(metric(SAMPLE))
    (tmp_path / "a.json").write_text(text[:-20])
    with pytest.raises(CorruptFile, match=r"a\.json breaks off"):
        load(context(), tmp_path / "a.json")


def test_series_without_a_deployment_say_how_to_ask(context, tmp_path):
    document = metric(SAMPLE)
    document["value"][0]["timeseries"][0]["metadatavalues"] = []
    with pytest.raises(SchemaChanged) as told:
        load(context(), save(tmp_path / "a.json", document))
    assert "--dimension ModelDeploymentName" in told.value.remedy
