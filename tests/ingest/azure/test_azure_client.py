"""Signing in, waiting and naming errors."""

import pytest

from emulator.azure.identity import EXPIRED_SECRET
from ingest.azure_client import AzureCaller, list_accounts
from ingest.azure_errors import seconds_to_wait
from ingest.errors import ConfigError, CredentialExpired, TerminalError, TransientError, Unreachable

TENANT = "7e5f0b1c-0000-4000-8000-000000000001"
APPS = "5b000000-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after": "2.5"}, 2.5),
        (
            {
                "x-ms-ratelimit-microsoft.costmanagement-entity-retry-after": "3",
                "x-ms-ratelimit-microsoft.costmanagement-tenant-retry-after": "41",
                "x-ms-ratelimit-microsoft.consumption-retry-after": "5",
                "x-ms-ratelimit-remaining-subscription-reads": "11999",
            },
            41.0,
        ),
        ({"Retry-After": "Wed, 18 Nov 2026 07:00:00 GMT"}, None),
        ({"Retry-After": "86400"}, 900.0),
    ],
    ids=["none", "plain", "qpu", "the longest of several", "a date", "a day is cut"],
)
def test_the_longest_wait_counts(headers, seconds):
    assert seconds_to_wait(headers) == seconds


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AZURE_CLIENT_SECRET", "wrong", "AADSTS7000215.*AZURE_CLIENT_SECRET"),
        ("AZURE_CLIENT_SECRET", EXPIRED_SECRET, "secret has expired.*Make a new client secret"),
        (
            "AZURE_CLIENT_ID",
            "00000000-0000-4000-8000-000000000000",
            "does not know the tenant or application.*AZURE_CLIENT_ID",
        ),
    ],
    ids=["wrong secret", "expired secret", "wrong application"],
)
def test_a_refused_credential_says_what_to_renew(settings, monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    with pytest.raises(CredentialExpired, match=words):
        list_accounts(AzureCaller(settings, TENANT), APPS)


def test_a_wrong_tenant_is_named(settings, monkeypatch):
    monkeypatch.setenv("AZURE_TENANT_ID", "00000000-0000-4000-8000-000000000000")
    with pytest.raises(CredentialExpired, match=rf"tenant.*{TENANT}"):
        list_accounts(AzureCaller(settings, TENANT), APPS)


def test_no_credential_at_all_says_how_to_give_one(settings, monkeypatch):
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    with pytest.raises(CredentialExpired, match=r"no Azure credential was found.*az login"):
        list_accounts(AzureCaller(settings, TENANT), APPS)


def test_an_endpoint_where_nobody_answers_is_named_after_the_budget(settings):
    nowhere = settings.model_copy(update={"azure_arm_endpoint": "https://127.0.0.1:9", "retry_budget_seconds": 0.5})
    with pytest.raises(Unreachable, match=r"nobody answers.*https://127\.0\.0\.1:9"):
        list_accounts(AzureCaller(nowhere, TENANT), APPS)


def test_an_authority_that_nobody_answers_at_is_no_wrong_credential(settings):
    nowhere = settings.model_copy(update={"azure_authority_host": "https://127.0.0.1:9", "retry_budget_seconds": 0.5})
    with pytest.raises(Unreachable, match=r"nobody answers.*https://127\.0\.0\.1:9"):
        list_accounts(AzureCaller(nowhere, TENANT), APPS)


def test_plain_http_gets_no_token(settings):
    plain = settings.model_copy(
        update={"azure_arm_endpoint": settings.azure_arm_endpoint.replace("https", "http"), "retry_budget_seconds": 0.5}
    )
    with pytest.raises((Unreachable, TerminalError), match=r"not permitted for non-TLS"):
        list_accounts(AzureCaller(plain, TENANT), APPS)


def test_without_the_authority_the_certificate_is_refused(settings):
    trusting_none = settings.model_copy(update={"azure_ca_bundle": None, "retry_budget_seconds": 0.5})
    with pytest.raises(Unreachable, match=r"(?i)certificate verify failed"):
        list_accounts(AzureCaller(trusting_none, TENANT), APPS)


def test_an_unknown_subscription_points_to_the_configuration(settings):
    with pytest.raises(ConfigError, match=r"sources\.yml"):
        list_accounts(AzureCaller(settings, TENANT), "00000000-0000-4000-8000-000000000000")


def test_a_throttle_that_outlives_the_budget_says_so(settings, local):
    local.faults.add("azure", "accounts", "throttle", times=None, retry_after=0.1)
    short = settings.model_copy(update={"retry_budget_seconds": 0.5})
    with pytest.raises(TransientError, match="throttled by Azure"):
        list_accounts(AzureCaller(short, TENANT), APPS)
    assert local.asked("accounts") > 1
