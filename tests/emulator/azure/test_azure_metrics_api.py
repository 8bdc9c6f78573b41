"""Azure Monitor metrics through the real client."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.mgmt.costmanagement import CostManagementClient
from azure.monitor.querymetrics import MetricsClient

NOW = datetime(2026, 11, 18, 6, tzinfo=UTC)
BY_DEPLOYMENT = "ModelDeploymentName eq '*'"
BY_ALL = f"{BY_DEPLOYMENT} and StatusCode eq '*' and IsSpillover eq '*'"


@pytest.fixture
def client(local) -> MetricsClient:
    return MetricsClient(local.base, local.credential(), **local.options)


@pytest.fixture
def support(written) -> str:
    return resource(written, "oai-support")


def resource(written, name: str) -> str:
    azure = written.world.organisation.azure
    account = azure["accounts"][name]
    (subscription,) = [key for key, item in azure["subscriptions"].items() if item["name"] == account["subscription"]]
    return (
        f"/subscriptions/{subscription}/resourceGroups/{account['resource_group']}"
        f"/providers/Microsoft.CognitiveServices/accounts/{name}"
    )


def query(client, *resources, names=("ProcessedPromptTokens",), span=(NOW - timedelta(days=2), NOW), **options):
    defaults = {
        "granularity": timedelta(hours=1),
        "aggregations": ["Total"],
        "filter": BY_DEPLOYMENT,
        "max_results": 1000,
    }
    return client.query_resources(
        resource_ids=list(resources), metric_namespace="Microsoft.CognitiveServices/accounts", metric_names=list(names),
        timespan=span, **(defaults | options),
    )  # fmt: skip


def test_tokens_of_a_deployment_add_up_to_what_was_served(client, support, written):
    from emulator.azure import bill

    span = (NOW.replace(hour=0) - timedelta(days=2), NOW.replace(hour=0) - timedelta(days=1))
    (answer,) = query(client, support, names=("ProcessedPromptTokens", "GeneratedTokens"), span=span)
    usage = bill.usage_truth(written.world).to_pandas()
    day = usage[(usage.usage_date == span[0].date()) & (usage.workload_id == "oai-support/gpt-4o")]
    found = {
        metric.name: sum(point.total or 0 for point in series.data)
        for metric in answer.metrics
        for series in metric.timeseries
        if series.metadata_values["modeldeploymentname"] == "gpt-4o"
    }
    assert found["ProcessedPromptTokens"] == (day.input_tokens + day.cache_read_tokens).sum()
    assert found["GeneratedTokens"] == day.output_tokens.sum()


def test_without_a_number_only_ten_series_come_and_nothing_says_so(client, support):
    (all_of_them,) = query(client, support, names=("AzureOpenAIRequests",), filter=BY_ALL)
    (ten,) = query(client, support, names=("AzureOpenAIRequests",), filter=BY_ALL, max_results=None)
    assert len(all_of_them.metrics[0].timeseries) > 10
    assert len(ten.metrics[0].timeseries) == 10


def test_dimension_names_come_in_lower_case_and_the_resource_is_in_the_metric_id(client, support):
    (answer,) = query(client, support, names=("AzureOpenAIRequests",), filter=BY_ALL)
    metric = answer.metrics[0]
    assert set(metric.timeseries[0].metadata_values) == {"modeldeploymentname", "statuscode", "isspillover"}
    assert metric.id.startswith(support)


def test_spilled_requests_show_at_the_deployment_that_served_them(client, support):
    (answer,) = query(
        client, support, names=("AzureOpenAIRequests",), filter=BY_ALL, span=(NOW - timedelta(days=7), NOW)
    )
    spilled = {
        series.metadata_values["modeldeploymentname"]
        for series in answer.metrics[0].timeseries
        if series.metadata_values["isspillover"] == "True"
    }
    assert spilled == {"gpt-4o"}


def test_utilisation_exists_for_provisioned_deployments_alone(client, support, written):
    name = "AzureOpenAIProvisionedManagedUtilizationV2"
    (answer,) = query(client, support, names=(name,), aggregations=["Average", "Maximum", "Minimum"])
    (series,) = answer.metrics[0].timeseries
    assert series.metadata_values == {"modeldeploymentname": "gpt-4o-ptu"}
    assert len(series.data) == 48
    assert all(0 <= point.minimum <= point.average <= point.maximum <= 100 for point in series.data)
    (idle,) = query(client, resource(written, "oai-data"), names=(name,), aggregations=["Average"])
    assert idle.metrics[0].timeseries == []


def test_an_hour_without_a_sample_has_a_time_and_no_value(client, written):
    (answer,) = query(
        client, resource(written, "oai-codecomplete"), span=(NOW - timedelta(hours=2), NOW + timedelta(hours=3))
    )
    for series in answer.metrics[0].timeseries:
        # the future is not given
        assert [point.timestamp.hour for point in series.data] == [4, 5]


def test_without_a_filter_there_is_one_series(client, support):
    (answer,) = query(client, support, filter=None)
    (series,) = answer.metrics[0].timeseries
    assert series.metadata_values == {}


def test_days_can_be_asked_for(client, support):
    span = (NOW.replace(hour=0) - timedelta(days=3), NOW.replace(hour=0))
    (by_day,) = query(client, support, span=span, granularity=timedelta(days=1), filter=None)
    (by_hour,) = query(client, support, span=span, filter=None)
    days = [point.total for point in by_day.metrics[0].timeseries[0].data]
    assert len(days) == 3
    assert sum(days) == sum(point.total or 0 for point in by_hour.metrics[0].timeseries[0].data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": ("Tokens",)}, "Failed to find metric configuration"),
        ({"filter": "StatusCode eq '*'"}, "does not support requested dimension"),
        ({"granularity": timedelta(minutes=7)}, "invalid time grain"),
        ({"span": (NOW - timedelta(days=94), NOW)}, "93 days"),
        ({"aggregations": ["Median"]}, "Invalid aggregation"),
    ],
    ids=["metric", "dimension", "grain", "retention", "aggregation"],
)
def test_what_monitor_does_not_know_is_a_bad_request(client, support, change, words):
    with pytest.raises(HttpResponseError, match=words) as caught:
        query(client, support, **change)
    assert caught.value.status_code == 400


def test_a_batch_is_of_one_region_and_at_most_fifty(client, written, support):
    with pytest.raises(HttpResponseError, match="region"):
        query(client, support, resource(written, "oai-codereview"))
    with pytest.raises(HttpResponseError, match="between 1 and 50"):
        query(client, *[support] * 51)
    answers = query(client, resource(written, "oai-codereview"), resource(written, "oai-codecomplete"))
    assert [answer.metrics[0].id.partition("/providers/Microsoft.Insights")[0] for answer in answers] == [
        resource(written, "oai-codereview"),
        resource(written, "oai-codecomplete"),
    ]


def test_resource_managers_own_call_gives_the_same_numbers(client, local, support):
    costs = CostManagementClient(local.credential(), base_url=local.base, **local.options)
    span = f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}/{NOW:%Y-%m-%dT%H:%M:%SZ}"
    path = (
        f"{local.base}{support}/providers/Microsoft.Insights/metrics?api-version=2023-10-01&timespan={span}"
        f"&interval=PT1H&metricnames=GeneratedTokens&aggregation=Total&top=100&$filter={BY_DEPLOYMENT}"
    )
    single = costs.send_request(HttpRequest("GET", path)).json()
    (batch,) = query(client, support, names=("GeneratedTokens",), span=(NOW - timedelta(days=1), NOW))
    assert [sum(point.get("total", 0) for point in series["data"]) for series in single["value"][0]["timeseries"]] == [
        sum(point.total or 0 for point in series.data) for series in batch.metrics[0].timeseries
    ]
