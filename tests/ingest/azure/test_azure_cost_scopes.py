"""Other ways to ask for the Azure bill: details reports, profiles, management groups, the budget, the doctor."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from emulator.azure import details
from emulator.azure import query as emulated_query
from emulator.azure.throttle import QpuBudget
from emulator.azure.wire import AzureError, Call, Reply
from ingest.azure_pace import CONSUMED, Pacer
from ingest.config_azure import AzureSources
from ingest.contracts import Context
from ingest.errors import CorruptFile, TerminalError
from ingest.run import Window
from ingest.sources import azure_cost
from ingest.sources.azure_cost_shapes import EA

APPS = "5b000000-0000-4000-8000-00000000000a"
NOVEMBER = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def configured(context, config) -> Callable[..., Context]:
    """A context whose `azure` section is changed."""

    def make(**changes: Any) -> Context:
        section = AzureSources.model_validate(config.azure.model_dump() | changes)
        return context(changed_config=config.model_copy(update={"azure_section": section}))

    return make


def visible(local, view: str = "ActualCost") -> Decimal:
    rows = pq.read_table(local.world.folder("azure") / "cost_rows.parquet").to_pylist()
    now = local.clock.now()
    return sum(
        (
            row["cost"]
            for row in rows
            if row["metric"] == view
            and row["visible_from"] <= now
            and (row["visible_to"] is None or row["visible_to"] > now)
        ),
        Decimal(0),
    )


def landed(context: Context, contract, view: str | None = None) -> Decimal:
    rows = context.landing.read(contract).to_pylist()
    return sum((Decimal(row["Cost"]) for row in rows if view in (None, row.get("_view"))), Decimal(0))


def test_azure_1_4_a_details_report_is_waited_for_and_all_its_blobs_are_read(configured, local):
    made = configured(route="details")
    results = azure_cost.load(made, NOVEMBER)
    assert {result.scope for result in results} == {
        "details-actual-billing_account-8611537", "details-amortized-billing_account-8611537",
    }  # fmt: skip
    assert landed(made, EA, "actual") == visible(local)
    assert landed(made, EA, "amortized") == visible(local, "AmortizedCost")
    assert {row["_route"] for row in made.landing.read(EA).to_pylist()} == {"details"}
    # two views, each asked for, found unfinished, found, and fetched in two files without a token
    assert [local.asked(f"details_{part}") for part in ("report", "result", "blob")] == [2, 4, 4]


def test_azure_1_4_a_link_that_ran_out_is_asked_for_once_more(configured, local):
    local.faults.add("azure", "details_blob", "forbidden", times=1)
    made = configured(route="details")
    azure_cost.load(made, NOVEMBER)
    assert landed(made, EA, "actual") == visible(local)
    assert local.asked("details_report") == 3


def test_a_blob_that_comes_short_lands_nothing(configured, local, monkeypatch):
    real = details.Details.blob

    def short(self: details.Details, call: Call, name: str, number: int) -> Reply:
        return Reply(200, real(self, call, name, number).body[:-9])

    monkeypatch.setattr(details.Details, "blob", short)
    made = configured(route="details")
    with pytest.raises(CorruptFile, match="bytes, its manifest says"):
        azure_cost.load(made, NOVEMBER)
    assert made.landing.read(EA).num_rows == 0


def test_only_the_backfill_goes_by_its_own_route(configured, local, config):
    made = configured(backfill_route="details")
    longer = made.config.model_copy(update={"backfill_days": 100})
    routes = azure_cost._by_route(Context(made.settings, longer, made.landing, made.run), None)
    assert {route: [f"{month.start:%Y-%m}" for month in wanted] for route, wanted in routes.items()} == {
        "query": ["2026-10", "2026-11"], "details": ["2026-08", "2026-09"],
    }  # fmt: skip


def test_a_route_by_exports_needs_one(config):
    with pytest.raises(ValueError, match="needs at least one entry under exports"):
        AzureSources.model_validate(config.azure.model_dump() | {"route": "export"})


def test_profiles_and_management_groups_tell_the_same_bill(configured, local):
    made = configured(billing_profiles=["ABCD-1234"], management_groups=["platform"])
    azure_cost.load(made, NOVEMBER)
    assert landed(made, azure_cost.ACTUAL) == visible(local)
    asked = {request.params["path"].partition("/providers/Microsoft.CostManagement")[0]
             for request in local.faults.requests if request.operation == "query"}  # fmt: skip
    account = "/providers/Microsoft.Billing/billingAccounts/8611537"
    assert f"{account}/billingProfiles/ABCD-1234" in asked
    assert "/providers/Microsoft.Management/managementGroups/platform" in asked
    assert account not in asked


def test_azure_1_1_refused_groupings_point_to_exports(configured, local, monkeypatch):
    monkeypatch.setattr(emulated_query, "LARGEST_GROUPING", 2)
    with pytest.raises(TerminalError, match=r"refuses so many groupings.*route: export"):
        azure_cost.load(configured(), NOVEMBER)


@dataclass
class Hands:
    """A clock that only sleeping moves."""

    now: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


def test_azure_1_3_the_budget_is_never_exceeded_and_no_wait_is_longer_than_azure_asks():
    hands = Hands()
    budget = QpuBudget(1.0, lambda: hands.now)
    pacer = Pacer(clock=lambda: hands.now, sleep=hands.sleep)
    for _ in range(700):
        before = pacer.seconds_until(1)
        if before > 0:
            with pytest.raises(AzureError, match="Too many requests") as refused:
                budget.spend(1)
            assert before <= max(float(value) for value in refused.value.reply.headers.values())
        pacer.wait(1)
        pacer.note(budget.spend(1), 1)
    # 600 in the first hour: the last of them waits for the hour to end
    assert (pacer.spent, round(hands.now)) == (700, 3690)
    assert pacer.slept == sum(hands.naps)


def test_azure_1_3_the_header_corrects_what_a_query_took():
    hands = Hands()
    pacer = Pacer(clock=lambda: hands.now, sleep=hands.sleep)
    pacer.note({CONSUMED.upper(): "12"}, 1)
    assert pacer.seconds_until(1) == 10
    pacer.wait(1)
    assert pacer.seconds_until(12) == 0


def test_azure_2_3_the_doctor_tries_each_right_and_counts_the_units(configured, local):
    found = list(azure_cost.check(configured()))
    assert {finding.status for finding in found} == {"ok"}
    assert [finding.aspect for finding in found].count("permitted") == 1 + 3
    assert any("Tag inheritance is on" in finding.message for finding in found)
    (cost,) = [finding.message for finding in found if finding.aspect == "cost"]
    assert "A daily run takes" in cost
    assert local.asked("query") == 4


def test_azure_8_the_doctor_names_the_missing_right_and_the_line_that_grants_it(configured, local):
    local.faults.add("azure", "query", "forbidden", times=1, after=1)
    local.faults.add("azure", "tag_names", "forbidden", times=None)
    found = [finding for finding in azure_cost.check(configured()) if finding.status == "fail"]
    assert [finding.account for finding in found][:1] == [APPS]
    assert "'Cost Management Reader' at subscription" in found[0].remedy
    assert '"Microsoft.CostManagement/query/action"' in found[0].remedy
    assert all('"Microsoft.Resources/subscriptions/tagNames/read"' in finding.remedy for finding in found[1:])


def test_the_doctor_tells_that_an_export_cannot_be_listed(configured):
    made = configured(exports=[{"name": "nightly", "location": "az://exports/cost"}])
    (finding,) = [one for one in azure_cost.check(made) if one.account == "nightly"]
    assert finding.status == "fail"
    assert "INFERLEDGER_AZURE_BLOB_CONNECTION_STRING" in finding.remedy
