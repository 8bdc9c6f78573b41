"""The roles of deploy/azure are what the Azure sources really call: no action too few, none too many."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.azure import bill, server
from emulator.azure.authorization import Authorization, Grant
from emulator.azure.gateway import WORKSPACE_ID
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.world import make_world
from ingest.config import SourcesConfig, load_sources
from ingest.config_azure import GatewayDimensions, GatewayLog
from ingest.contracts import Context
from ingest.errors import InferledgerError
from ingest.landing import Landing
from ingest.registry import modules
from ingest.run import Run, Window
from ingest.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "azure"
AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
DAY = Window(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC))
SOURCES = ("azure_cost", "azure_openai", "azure_reservations", "azure_gateway_log")
# of routes that the local Azure may not play: reading what exports wrote, and backfill without a storage account
OTHER_ROUTES = {
    "Microsoft.CostManagement/exports/read",
    "Microsoft.CostManagement/generateCostDetailsReport/action",
}
BILLING = Grant(
    "/providers/Microsoft.Billing", ("Microsoft.Consumption/*/read", "Microsoft.CostManagement/query/action")
)
CAPACITY = Grant("/providers/Microsoft.Capacity", ("Microsoft.Capacity/reservations/read",))


def actions_of(file: str) -> tuple[str, ...]:
    return tuple(json.loads((DEPLOY / file).read_text())["Actions"])


READER, LOGS = actions_of("inferledger-reader.json"), actions_of("inferledger-logs.json")


@dataclass
class Tenant:
    """A local Azure whose application may do what the test grants, and the context of a run against it."""

    authorization: Authorization
    context: Context

    def grant(self, without: str = "") -> None:
        subscriptions = [f"/subscriptions/{sub.id}" for sub in self.context.config.azure.subscriptions]
        reader = tuple(action for action in READER if action != without)
        logs = tuple(action for action in LOGS if action != without)
        capacity = () if without in CAPACITY.actions else (CAPACITY,)
        self.authorization.grants = [
            BILLING, *capacity, *(Grant(scope, reader) for scope in subscriptions),
            Grant(f"/workspaces/{WORKSPACE_ID}", logs),
        ]  # fmt: skip
        self.authorization.called.clear()

    def told(self) -> str:
        """All that loads and doctor say of what is wrong."""
        words: list[str] = []
        for module in (module for source in SOURCES for module in modules(source)):
            try:
                module.load(self.context, DAY)
            except InferledgerError as error:
                words.append(str(error))
            words += self.findings(module)
        return "\n".join(words)

    def findings(self, module: Any) -> list[str]:
        if not hasattr(module, "check"):
            return []
        try:
            found = list(module.check(self.context))
        except InferledgerError as error:
            return [str(error)]
        return [f"{finding.message} {finding.remedy}" for finding in found if finding.status != "ok"]


def with_both_shapes(config: SourcesConfig) -> SourcesConfig:
    dimensions = GatewayDimensions(subscription="Subscription ID", deployment="Deployment")
    metric = GatewayLog(name="ai-gateway", shape="metric", workspace_id=WORKSPACE_ID, dimensions=dimensions)
    azure = config.azure.model_copy(update={"gateway_logs": (*config.azure.gateway_logs, metric), "minute_days": 1})
    return config.model_copy(update={"azure_section": azure, "backfill_days": 5})


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    home = tmp_path_factory.mktemp("azure-roles")
    world = make_world(home, as_of=AS_OF, days=5)
    bill.write(world)
    clock = Clock(world.truth / "clock.json")
    clock.set(AS_OF)
    authorization = Authorization()
    service = server.start(world.folder("azure"), clock, Faults(), qpu_speed=1e9, authorization=authorization)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service.env.items():
            patch.setenv(name, value)
        settings = Settings(home=home, config_dir=ROOT / "config", retry_budget_seconds=5)
        run = Run("run-test", AS_OF)
        config = with_both_shapes(load_sources(ROOT / "config" / "sources.yml"))
        try:
            yield Tenant(authorization, Context(settings, config, Landing(settings.landing_root, run), run))
        finally:
            service.stop()


def test_azure_8_with_the_roles_everything_works_and_nothing_granted_is_unused(tenant: Tenant) -> None:
    tenant.grant()
    assert "deploy/azure" not in tenant.told()
    called = {action for action, scope in tenant.authorization.called if not scope.startswith("/providers/")}
    assert called == {*READER, *LOGS} - OTHER_ROUTES
    assert {
        action for action, scope in tenant.authorization.called if scope.startswith("/providers/microsoft.capacity")
    } == {"Microsoft.Capacity/reservations/read"}


@pytest.mark.parametrize("action", sorted({*READER, *LOGS} - OTHER_ROUTES))
def test_azure_8_a_missing_action_is_named_with_its_line(tenant: Tenant, action: str) -> None:
    tenant.grant(without=action)
    told = tenant.told()
    assert action in told
    file = "inferledger-logs.json" if action in LOGS else "inferledger-reader.json"
    assert file in told


def test_azure_8_without_the_capacity_role_the_inventory_says_what_to_grant(tenant: Tenant) -> None:
    tenant.grant(without="Microsoft.Capacity/reservations/read")
    assert "'Reservations Reader' at /providers/Microsoft.Capacity" in tenant.told()


def test_azure_8_metrics_granted_on_accounts_alone_are_read_one_by_one(tenant: Tenant) -> None:
    from ingest.sources import azure_openai_metrics

    tenant.grant(without="Microsoft.Insights/metrics/read")
    accounts = [f"/subscriptions/{sub.id}/resourceGroups" for sub in tenant.context.config.azure.subscriptions]
    tenant.authorization.grants += [Grant(scope, ("Microsoft.Insights/metrics/read",)) for scope in accounts]
    results = azure_openai_metrics.load(tenant.context, DAY)
    assert all(result.rows for result in results if result.stream == "metrics_hourly")
    warned = [finding for finding in azure_openai_metrics.check(tenant.context) if finding.status == "warn"]
    assert len(warned) == 3
    assert all("on the subscription" in finding.message for finding in warned)


def test_no_role_can_write_or_read_a_key() -> None:
    for file in DEPLOY.glob("*.json"):
        role = json.loads(file.read_text())
        for action in (*role["Actions"], *role["DataActions"]):
            assert action.endswith(("/read", "query/action", "generateCostDetailsReport/action")), action
            assert "*" not in action, action
            assert "key" not in action.lower(), action
