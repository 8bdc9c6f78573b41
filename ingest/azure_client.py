"""How the Azure sources sign in, call, wait and fail: one place for credentials, throttling and named errors.

Azure's Cost Management answers 429 without a plain `Retry-After`, which azure-core does not try again; the waits stand
in headers of its own, several at once, and the longest counts. So the clients' own retries are off and every call goes
through `AzureCaller.call`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, ServiceRequestError
from azure.core.rest import HttpRequest
from azure.identity import DefaultAzureCredential, EnvironmentCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.consumption import ConsumptionManagementClient
from azure.mgmt.costmanagement import CostManagementClient
from azure.mgmt.reservations import ReservationsMgmtClient
from azure.monitor.query import LogsQueryClient
from azure.monitor.querymetrics import MetricsClient

from ingest.azure_errors import Permission, first_line, named, origin
from ingest.azure_pace import Pacer
from ingest.errors import SchemaChanged, TerminalError, TransientError, Unreachable
from ingest.retry import retrying
from ingest.settings import Settings

ARM_ENDPOINT = "https://management.azure.com"
LOGS_ENDPOINT = "https://api.loganalytics.io"
TIMEOUT_S = 120
ATTEMPTS = 12
T = TypeVar("T")


class _Sender(Protocol):
    """Any Azure client: all can send a raw request through their own pipeline."""

    def send_request(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Send without raising on an error status."""
        ...


class AzureCaller:
    """The signed-in clients of one tenant.

    Args:
        settings: endpoints (all None for the real cloud) and the retry budget.
        tenant_id: tenant of `sources.yml`, named in errors.
        pacer: keeps the cost queries within their budget.
    """

    def __init__(self, settings: Settings, tenant_id: str, pacer: Pacer | None = None) -> None:
        self._settings = settings
        self._tenant_id = tenant_id
        self.arm_endpoint = settings.azure_arm_endpoint or ARM_ENDPOINT
        # True means the machine's own certificates
        self._verify: bool | str = str(settings.azure_ca_bundle) if settings.azure_ca_bundle else True
        self._credential = self._sign_in()
        self.pacer = pacer or Pacer(speed=settings.azure_qpu_speed)

    def _sign_in(self) -> TokenCredential:
        if self._settings.azure_authority_host is None:
            return DefaultAzureCredential()
        return EnvironmentCredential(
            authority=self._settings.azure_authority_host,
            # an authority that is not Microsoft's own cannot be looked up at Microsoft
            disable_instance_discovery=True,
            connection_verify=self._verify,
            retry_total=1,
        )

    @property
    def _hosts(self) -> str:
        settings = self._settings
        authority = settings.azure_authority_host or "https://login.microsoftonline.com"
        metrics = settings.azure_metrics_endpoint or "https://<region>.metrics.monitor.azure.com"
        logs = settings.azure_logs_endpoint or LOGS_ENDPOINT
        return f"one of {self.arm_endpoint}, {authority}, {metrics} and {logs}"

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "connection_verify": self._verify,
            "retry_total": 0,
            "connection_timeout": 20,
            "read_timeout": TIMEOUT_S,
        }

    def costs(self) -> CostManagementClient:
        """Client of Cost Management."""
        return CostManagementClient(self._credential, base_url=self.arm_endpoint, **self._options)

    def consumption(self, subscription_id: str) -> ConsumptionManagementClient:
        """Client of the reservation reports."""
        return ConsumptionManagementClient(
            self._credential, subscription_id, base_url=self.arm_endpoint, **self._options
        )

    def cognitive(self, subscription_id: str) -> CognitiveServicesManagementClient:
        """Client of accounts and deployments."""
        return CognitiveServicesManagementClient(
            self._credential, subscription_id, base_url=self.arm_endpoint, **self._options
        )

    def metrics(self, location: str) -> MetricsClient:
        """Client of the metrics of one region."""
        regional = f"https://{location}.metrics.monitor.azure.com"
        return MetricsClient(self._settings.azure_metrics_endpoint or regional, self._credential, **self._options)

    def logs(self) -> LogsQueryClient:
        """Client of Log Analytics; the token is for the service, wherever its endpoint lies."""
        return LogsQueryClient(
            self._credential,
            endpoint=self._settings.azure_logs_endpoint or LOGS_ENDPOINT,
            audience=LOGS_ENDPOINT,
            **self._options,
        )

    def reservations(self) -> ReservationsMgmtClient:
        """Client of the inventory of reservations, which stand at no subscription."""
        return ReservationsMgmtClient(self._credential, base_url=self.arm_endpoint, **self._options)

    def call(self, action: Callable[[], T], *, what: str, permission: Permission) -> T:
        """Make a call, trying again on throttling, 5xx and cut connections within the retry budget.

        Raises:
            PermissionDenied, CredentialExpired, ConfigError, Unreachable, SchemaChanged, TerminalError: with a remedy.
            TransientError: the fault outlived the budget.
        """

        def once() -> T:
            try:
                return action()
            except AzureError as error:
                raise named(error, what, permission, self._tenant_id) from error
            except (json.JSONDecodeError, ConnectionError) as error:
                raise TransientError(f"{what}: the answer was cut off.", "Run it again.") from error
            except (KeyError, TypeError) as error:
                raise SchemaChanged(
                    f"{what}: the answer has another shape than documented ({error}).",
                    "Nothing was landed. Check for a newer version, and tell its authors what Azure changed.",
                ) from error

        again = retrying(budget_s=self._settings.retry_budget_seconds, attempts=ATTEMPTS)(once)
        try:
            return again()
        except TransientError as fault:
            cause = origin(fault.__cause__)
            if isinstance(cause, ServiceRequestError):
                raise Unreachable(
                    f"{what}: nobody answers: {first_line(cause)}.",
                    f"Check the network, the proxy and its certificates; asked was {self._hosts}.",
                ) from fault
            raise

    def get_json(self, client: _Sender, path: str, *, what: str, permission: Permission) -> Mapping[str, Any]:
        """GET a Resource Manager path that no installed client offers."""

        def action() -> Mapping[str, Any]:
            response = client.send_request(HttpRequest("GET", self.arm_endpoint.rstrip("/") + path))
            response.raise_for_status()
            return cast(Mapping[str, Any], response.json())

        return self.call(action, what=what, permission=permission)

    def download(self, link: str, target: Path, *, what: str) -> None:
        """Copy what lies behind a signed link; the bearer token stays here."""

        def action() -> None:
            with PipelineClient[Any, Any](link, policies=[], **self._options) as client:
                response = client.send_request(HttpRequest("GET", link), stream=True)
                response.raise_for_status()
                with target.open("wb") as copy:
                    for chunk in response.iter_bytes():
                        copy.write(chunk)

        self.call(action, what=what, permission=Permission("Cost Management Reader", "the scope of the report"))

    def refuse_foreign(self, link: str, what: str) -> None:
        """Refuse a link to another host, to which the bearer token would be sent.

        Raises:
            TerminalError: the link leaves the configured Resource Manager.
        """
        if (urlsplit(link).scheme, urlsplit(link).netloc) != (
            urlsplit(self.arm_endpoint).scheme,
            urlsplit(self.arm_endpoint).netloc,
        ):
            raise TerminalError(
                f"{what}: the next page lies at {urlsplit(link).netloc}, not at {urlsplit(self.arm_endpoint).netloc}.",
                "The token is not sent there. Check INFERLEDGER_AZURE_ARM_ENDPOINT and the proxy in between.",
            )


@dataclass(frozen=True)
class AccountRef:
    """A Cognitive Services account by its ARM id."""

    resource_id: str
    name: str
    resource_group: str
    location: str
    kind: str | None
    tags: Mapping[str, str]


def list_accounts(caller: AzureCaller, subscription_id: str) -> list[AccountRef]:
    """The Cognitive Services accounts of a subscription, of whatever kind, by name.

    Raises:
        PermissionDenied: the identity may not read the subscription.
    """
    client = caller.cognitive(subscription_id)
    accounts = caller.call(
        lambda: list(client.accounts.list()),
        what=f"accounts of subscription {subscription_id}",
        permission=reader(subscription_id),
    )
    return sorted((_account_ref(account) for account in accounts), key=lambda ref: ref.name)


def _account_ref(account: Any) -> AccountRef:
    identity = str(account.id)
    parts = identity.split("/")
    return AccountRef(identity, str(account.name), parts[4], str(account.location), account.kind, account.tags or {})


def reader(subscription_id: str) -> Permission:
    """The permission to see accounts, deployments and tags."""
    return Permission("Reader", f"subscription {subscription_id}", "Microsoft.CognitiveServices/accounts/read")
