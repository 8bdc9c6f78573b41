"""Resource Manager, Consumption and the token endpoint through their real clients."""

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.consumption import ConsumptionManagementClient
from azure.mgmt.costmanagement import CostManagementClient

from emulator.azure import resources as resources_module
from emulator.azure.identity import EXPIRED_SECRET

ACCOUNT = "providers/Microsoft.Billing/billingAccounts/8611537"
ARM = "https://management.azure.com/.default"


@pytest.fixture
def cognitive(local, subscriptions) -> CognitiveServicesManagementClient:
    return CognitiveServicesManagementClient(
        local.credential(), subscriptions["sub-apps"], base_url=local.base, **local.options
    )


@pytest.fixture
def consumption(local, subscriptions) -> ConsumptionManagementClient:
    return ConsumptionManagementClient(
        local.credential(), subscriptions["sub-apps"], base_url=local.base, **local.options
    )


def test_accounts_carry_their_own_tags_as_written(cognitive):
    accounts = {account.name: account for account in cognitive.accounts.list()}
    assert set(accounts) == {"oai-codereview", "oai-codecomplete", "oai-support"}
    assert accounts["oai-support"].tags == {"Team": "support", "app": "agent-assist", "env": "prod"}
    assert accounts["oai-support"].location == "swedencentral"


def test_deployments_tell_type_ptus_model_and_spillover(cognitive):
    found = {item.name: item for item in cognitive.deployments.list("rg-support", "oai-support")}
    spilling = found["gpt-4o-ptu"]
    assert (spilling.sku.name, spilling.sku.capacity) == ("GlobalProvisionedManaged", 30)
    assert spilling.properties.spillover_deployment_name == "gpt-4o"
    assert found["gpt-4o-mini"].properties.model.name == "gpt-4o-mini"
    assert found["gpt-4o"].properties.spillover_deployment_name is None


def test_an_account_of_another_group_is_not_found(cognitive):
    with pytest.raises(ResourceNotFoundError):
        list(cognitive.deployments.list("rg-devtools", "oai-support"))


def test_tag_names_are_those_of_the_subscription_and_its_accounts(local, subscriptions):
    client = CostManagementClient(local.credential(), base_url=local.base, **local.options)
    found = {}
    for name in ("sub-apps", "sub-data"):
        path = f"{local.base}/subscriptions/{subscriptions[name]}/tagNames?api-version=2021-04-01"
        answer = client.send_request(HttpRequest("GET", path)).json()
        found[name] = [item["tagName"] for item in answer["value"]]
    assert found == {"sub-apps": ["app", "env", "environment", "product", "team"], "sub-data": ["environment", "team"]}


def test_reservation_summaries_page_and_count_hours(consumption, monkeypatch, local):
    monkeypatch.setattr(resources_module, "PAGE_ITEMS", 5)
    items = list(
        consumption.reservations_summaries.list(ACCOUNT, grain="daily", start_date="2026-11-10", end_date="2026-11-17")
    )
    # the 17th is not seen before the 18th in the evening
    assert len(items) == 2 * 7
    assert {(item.properties.reservation_id, item.properties.reserved_hours) for item in items} == {
        ("ro-monthly-01-a", 75 * 24),
        ("ro-yearly-01-a", 30 * 24),
    }
    assert sum(request.operation == "reservation_summaries" for request in local.faults.requests) == 3


def test_reservation_details_name_the_accounts(consumption):
    items = list(consumption.reservations_details.list(ACCOUNT, start_date="2026-11-16", end_date="2026-11-16"))
    hours = {item.properties.instance_id.rpartition("/")[2]: int(item.properties.used_hours) for item in items}
    assert hours == {"oai-codecomplete": 600, "oai-codereview": 1200, "oai-support": 720}


def test_transactions_are_the_purchases(consumption):
    (bought,) = list(consumption.reservation_transactions.list("8611537"))
    assert (bought.properties.event_type, bought.properties.quantity, bought.properties.amount) == (
        "Purchase",
        75,
        19500,
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tenant_id": "00000000-0000-4000-8000-000000000000"}, "AADSTS90002|invalid_tenant|authority"),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, "AADSTS700016"),
        ({"client_secret": "no"}, "AADSTS7000215"),
        ({"client_secret": EXPIRED_SECRET}, "AADSTS7000222"),
    ],
    ids=["tenant", "application", "secret", "expired secret"],
)
def test_a_wrong_credential_gets_no_token(local, changes, code):
    with pytest.raises((ClientAuthenticationError, ValueError), match=code):
        local.credential(**changes).get_token(ARM)


def test_a_token_opens_only_what_it_was_issued_for(local, subscriptions):
    metrics = local.credential().get_token("https://metrics.monitor.azure.com/.default").token
    path = f"{local.base}/subscriptions/{subscriptions['sub-apps']}?api-version=2022-12-01"
    verify = local.env["INFERLEDGER_AZURE_CA_BUNDLE"]
    for token, code in ((metrics, "InvalidAuthenticationTokenAudience"), ("made-up", "InvalidAuthenticationToken")):
        answer = requests.get(path, headers={"Authorization": f"Bearer {token}"}, verify=verify, timeout=10)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert requests.get(path, verify=verify, timeout=10).json()["error"]["code"] == "AuthenticationFailed"


def test_a_client_that_does_not_know_the_authority_refuses_it(local):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{local.base}/subscriptions", timeout=10)
