"""Cost Management's query through its real client, over TLS."""

import json
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.mgmt.costmanagement import CostManagementClient

from emulator.azure import query as query_module
from emulator.azure import server
from emulator.azure.throttle import QpuBudget
from emulator.azure.wire import AzureError

ACCOUNT = "providers/Microsoft.Billing/billingAccounts/8611537"


@pytest.fixture
def client(local) -> CostManagementClient:
    return CostManagementClient(local.credential(), base_url=local.base, **local.options)


def body(
    kind: str = "ActualCost", *, days: tuple[str, str] = ("2026-11-10", "2026-11-16"), **dataset: Any
) -> dict[str, Any]:
    defaults = {"granularity": "Daily", "aggregation": {"total": {"name": "Cost", "function": "Sum"}}}
    period = {"from": f"{days[0]}T00:00:00Z", "to": f"{days[1]}T23:59:59Z"}
    return {"type": kind, "timeframe": "Custom", "timePeriod": period, "dataset": defaults | dataset}


def dimensions(*names: str) -> list[dict[str, str]]:
    return [{"type": "Dimension", "name": name} for name in names]


def test_columns_are_named_and_typed_and_the_usage_date_is_a_number(client, subscriptions):
    result = client.query.usage(f"subscriptions/{subscriptions['sub-apps']}", body(grouping=dimensions("Meter")))
    assert [(column.name, column.type) for column in result.columns] == [
        ("Cost", "Number"),
        ("UsageDate", "Number"),
        ("Meter", "String"),
        ("Currency", "String"),
    ]
    assert {row[1] for row in result.rows} == set(range(20261110, 20261117))
    assert {row[3] for row in result.rows} == {"USD"}


def test_a_day_that_is_not_visible_yet_has_no_row(client, local):
    result = client.query.usage(ACCOUNT, body(days=("2026-11-16", "2026-11-18"), grouping=[]))
    assert [row[1] for row in result.rows] == [20261116]


def test_nothing_to_tell_is_204_and_none(client):
    assert client.query.usage(ACCOUNT, body(days=("2020-01-01", "2020-01-31"))) is None


def test_further_pages_are_posted_to_an_absolute_link(client, local, subscriptions, monkeypatch):
    monkeypatch.setattr(query_module, "PAGE_ROWS", 300)
    scope, wanted = f"subscriptions/{subscriptions['sub-data']}", body(grouping=dimensions("ResourceId", "Meter"))
    page = client.query.usage(scope, wanted)
    rows, link = list(page.rows), page.next_link
    while link:
        assert link.startswith(local.base)
        answer = client.send_request(HttpRequest("POST", link, json=wanted))
        answer.raise_for_status()
        rows += answer.json()["properties"]["rows"]
        link = answer.json()["properties"]["nextLink"]
    assert len(rows) == 7 * (62 * 3 + 5)
    assert len({tuple(row[1:4]) for row in rows}) == len(rows)


def test_a_tag_splits_rows_into_key_and_value_whatever_its_case(client, subscriptions):
    grouping = [*dimensions("ConsumedService"), {"type": "TagKey", "name": "TEAM"}]
    result = client.query.usage(
        f"subscriptions/{subscriptions['sub-apps']}", body(granularity="None", grouping=grouping)
    )
    names = [column.name for column in result.columns]
    assert names == ["Cost", "ConsumedService", "TagKey", "TagValue", "Currency"]
    found = {(row[1], row[2], row[3]) for row in result.rows}
    assert found == {
        ("Microsoft.CognitiveServices", "TEAM", "devtools"),
        ("Microsoft.CognitiveServices", "TEAM", "support"),
        ("Microsoft.Storage", None, None),
    }


def test_only_the_subscription_with_tag_inheritance_passes_its_tags_on(client, subscriptions):
    grouping = [*dimensions("ConsumedService"), {"type": "TagKey", "name": "environment"}]
    keep = {"dimensions": {"name": "ConsumedService", "operator": "In", "values": ["Microsoft.CognitiveServices"]}}
    wanted = body(granularity="None", grouping=grouping, filter=keep)
    values = {
        name: {row[3] for row in client.query.usage(f"subscriptions/{subscriptions[name]}", wanted).rows}
        for name in ("sub-data", "sub-shared")
    }
    assert values == {"sub-data": {"prod"}, "sub-shared": {None}}


def test_purchases_and_unused_hours_show_at_the_billing_account_alone(client, subscriptions):
    wanted = body(
        days=("2026-11-01", "2026-11-16"), granularity="None", grouping=dimensions("ChargeType", "SubscriptionId")
    )
    at_account = {(row[1], row[2]) for row in client.query.usage(ACCOUNT, wanted).rows}
    assert ("Purchase", "") in at_account
    for subscription in subscriptions.values():
        rows = client.query.usage(f"subscriptions/{subscription}", wanted).rows
        assert {(row[1], row[2]) for row in rows} == {("Usage", subscription)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grouping": dimensions("Colour")}, "Invalid dataset grouping: 'Colour'"),
        ({"aggregation": {"a": {"name": "Price", "function": "Sum"}}}, "Invalid dataset aggregation: 'Price'"),
        ({"aggregation": {}}, "Invalid dataset aggregation"),
        ({"granularity": "Hourly"}, "Invalid dataset granularity"),
        ({"filter": {"dimensions": {"name": "Meter", "operator": "Contains", "values": []}}}, "Invalid dataset filter"),
    ],
    ids=["grouping", "measure", "no measure", "granularity", "filter"],
)
def test_what_the_api_does_not_know_is_a_bad_request(client, change, words):
    with pytest.raises(HttpResponseError, match=words) as caught:
        client.query.usage(ACCOUNT, body(**change))
    assert caught.value.status_code == 400
    assert caught.value.error.code == "BadRequest"


def test_an_unknown_subscription_is_not_found(client):
    with pytest.raises(ResourceNotFoundError, match="SubscriptionNotFound"):
        client.query.usage("subscriptions/00000000-0000-4000-8000-000000000000", body())


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/{ACCOUNT}/providers/Microsoft.CostManagement/query?api-version=1", 405, "MethodNotAllowed"),
        ("POST", f"/{ACCOUNT}/providers/Microsoft.CostManagement/forecast?api-version=1", 404, "InvalidResourceType"),
        ("POST", f"/{ACCOUNT}/providers/Microsoft.CostManagement/query", 400, "MissingApiVersionParameter"),
        ("GET", "/nothing/here", 404, "NotFound"),
    ],
)
def test_an_operation_it_does_not_know_gets_azures_own_error(client, local, method, path, status, code):
    answer = client.send_request(HttpRequest(method, local.base + path, json={} if method == "POST" else None))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_429_names_its_wait_in_headers_of_azures_own_only(client, local):
    local.faults.add("azure", "query", "throttle", retry_after=2.5)
    with pytest.raises(HttpResponseError) as caught:
        client.query.usage(ACCOUNT, body())
    headers = {name.lower(): value for name, value in caught.value.response.headers.items()}
    assert caught.value.status_code == 429
    assert "retry-after" not in headers
    assert headers["x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after"] == "2.5"
    assert headers["x-ms-ratelimit-microsoft.costmanagement-entity-retry-after"] == "0"


def test_a_tenant_may_spend_twelve_units_in_ten_seconds_and_sixty_in_a_minute():
    now = 0.0
    budget = QpuBudget(1.0, clock=lambda: now)
    budget.spend(12)
    with pytest.raises(AzureError) as caught:
        budget.spend(1)
    assert caught.value.reply.headers["x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after"] == "10.0"
    for _ in range(4):
        now += 10.0
        budget.spend(12)
    now += 10.0
    with pytest.raises(AzureError) as caught:
        budget.spend(1)
    assert caught.value.reply.headers["x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after"] == "10.0"


def test_success_tells_what_was_spent(client):
    seen: dict[str, str] = {}
    client.query.usage(
        ACCOUNT,
        body(days=("2026-09-01", "2026-11-16"), granularity="None"),
        cls=lambda response, _result, _headers: seen.update(response.http_response.headers),
    )
    assert {name.lower(): value for name, value in seen.items()}[
        "x-ms-ratelimit-microsoft.costmanagement-qpu-consumed"
    ] == "3"


def test_a_late_day_is_missing_and_a_restated_day_is_dearer(client, local):
    plain = {row[1]: row[0] for row in client.query.usage(ACCOUNT, body()).rows}
    local.faults.add("azure", "query", "late_day")
    late = {row[1]: row[0] for row in client.query.usage(ACCOUNT, body()).rows}
    local.faults.add("azure", "query", "restated_day")
    restated = {row[1]: row[0] for row in client.query.usage(ACCOUNT, body()).rows}
    assert set(plain) - set(late) == {20261116}
    assert restated[20261116] == pytest.approx(plain[20261116] * 1.01)
    assert {day: cost for day, cost in restated.items() if day != 20261116} == late


def test_the_request_log_holds_what_was_asked(client, local):
    client.query.usage(ACCOUNT, body(granularity="None"))
    (asked,) = [request for request in local.faults.requests if request.operation == "query"]
    assert asked.params["body"]["dataset"]["granularity"] == "None"
    assert json.loads(json.dumps(asked.params, default=str))["path"].startswith(f"/{ACCOUNT}")


def test_a_port_is_free_again_after_stop(written, local, tmp_path):
    port = int(local.base.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        server.start(written.world.folder("azure"), local.clock, local.faults, port=port)
