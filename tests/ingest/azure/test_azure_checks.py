"""What the doctor hears from the Azure sources."""

from collections import Counter

import pytest

from emulator.azure import workspace
from ingest.sources import azure_gateway_log, azure_openai, azure_openai_metrics, azure_reservations


def told(findings, *statuses):
    return [finding for finding in findings if finding.status in statuses]


@pytest.mark.parametrize("module", [azure_openai, azure_openai_metrics, azure_reservations, azure_gateway_log])
def test_a_healthy_tenant_is_permitted_and_reading_costs_are_told(context, module):
    findings = list(module.check(context()))
    assert told(findings, "fail") == []
    assert Counter(finding.aspect for finding in findings)["permitted"] >= 1


def test_shared_accounts_without_tags_are_a_warning(context):
    warned = told(azure_openai.check(context()), "warn")
    assert any("oai-shared" in finding.message for finding in warned)


def test_azure_7_a_gateway_whose_llm_category_is_off_is_a_warning(context, monkeypatch):
    counted = workspace.Workspace._count
    empty = [[0, None]]
    monkeypatch.setattr(
        workspace.Workspace, "_count",
        lambda self, name, *rest: empty if name == "ApiManagementGatewayLlmLog" else counted(self, name, *rest),
    )  # fmt: skip
    (warned,) = told(azure_gateway_log.check(context()), "warn")
    assert "GatewayLlmLogs" in warned.remedy


def test_no_reservation_is_a_warning_that_says_it_may_be_normal(context, local):
    local.faults.add("azure", "*", "empty", times=None)
    (warned,) = told(azure_reservations.check(context()), "warn")
    assert "No reservation" in warned.message
    assert "Normal without reservations" in warned.remedy


@pytest.mark.parametrize(
    ("module", "operation", "remedy"),
    [
        (azure_openai, "deployments", "Microsoft.CognitiveServices/accounts/deployments/read"),
        (azure_reservations, "reservation_transactions", "billing account 8611537"),
        (azure_gateway_log, "logs_query", "inferledger-logs.json"),
    ],
)
def test_a_refused_action_is_a_finding_with_its_remedy(context, local, module, operation, remedy):
    local.faults.add("azure", operation, "forbidden", times=None)
    failed = told(module.check(context()), "fail")
    assert failed
    assert all(remedy in finding.remedy for finding in failed)


def test_without_a_gateway_the_doctor_says_so_and_asks_nothing(context, config, local):
    azure = config.azure.model_copy(update={"gateway_logs": ()})
    made = context(changed_config=config.model_copy(update={"azure_section": azure}))
    (finding,) = azure_gateway_log.check(made)
    assert (finding.status, finding.aspect) == ("ok", "configured")
    assert local.faults.requests == []
