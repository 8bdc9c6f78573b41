"""How the Azure sources sign in, call, wait and fail: one place for credentials, throttling and named errors.

Azure's Cost Management answers 429 without a plain `Retry-After`, which azure-core does not try again; the waits stand
in headers of its own, several at once, and the longest counts. So the clients' own retries are off and every call goes
through `AzureCaller.call`.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.rest import HttpRequest
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, EnvironmentCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.consumption import ConsumptionManagementClient
from azure.mgmt.costmanagement import CostManagementClient
from azure.monitor.querymetrics import MetricsClient

from ingest.errors import (
    ConfigError,
    CredentialExpired,
    InferledgerError,
    PermissionDenied,
    TerminalError,
    TransientError,
    Unreachable,
)
from ingest.retry import retrying
from ingest.settings import Settings

ARM_ENDPOINT = "https://management.azure.com"
TIMEOUT_S = 120
ATTEMPTS = 12
LONGEST_WAIT_S = 900.0
_WAITS = re.compile(r"^(retry-after|x-ms-ratelimit-.*retry-after)$", re.IGNORECASE)
_WRONG_TENANT = ("AADSTS90002", "AADSTS900023", "AADSTS50020", "AADSTS700016", "InvalidAuthenticationTokenTenant")
_EXPIRED_SECRET = ("AADSTS7000222",)
_MISSING = ("SubscriptionNotFound", "BillingAccountNotFound", "InvalidSubscriptionId")
T = TypeVar("T")


class _Sender(Protocol):
    """Any Azure client: all can send a raw request through their own pipeline."""

    def send_request(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Send without raising on an error status."""
        ...


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """The longest wait that the headers of a 429 or 503 ask for, in seconds; None when they name none."""
    waits = [value.strip() for name, value in headers.items() if _WAITS.match(name)]
    seconds = [float(value) for value in waits if re.fullmatch(r"\d+(\.\d+)?", value)]
    return min(max(seconds), LONGEST_WAIT_S) if seconds else None


@dataclass(frozen=True)
class Permission:
    """What a call needs, in the words in which it is granted."""

    role: str
    scope: str

    def __str__(self) -> str:
        return f"Grant the role '{self.role}' at {self.scope} to the identity that runs this."


class AzureCaller:
    """The signed-in clients of one tenant.

    Args:
        settings: endpoints (all None for the real cloud) and the retry budget.
        tenant_id: tenant of `sources.yml`, named in errors.
    """

    def __init__(self, settings: Settings, tenant_id: str) -> None:
        self._settings = settings
        self._tenant_id = tenant_id
        self.arm_endpoint = settings.azure_arm_endpoint or ARM_ENDPOINT
        # True means the machine's own certificates
        self._verify: bool | str = str(settings.azure_ca_bundle) if settings.azure_ca_bundle else True
        self._credential = self._sign_in()

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

    def call(self, action: Callable[[], T], *, what: str, permission: Permission) -> T:
        """Make a call, trying again on throttling, 5xx and cut connections within the retry budget.

        Raises:
            PermissionDenied, CredentialExpired, ConfigError, Unreachable, TerminalError: with what to do.
            TransientError: the fault outlived the budget.
        """

        def once() -> T:
            try:
                return action()
            except AzureError as error:
                raise self._named(error, what, permission) from error
            except (json.JSONDecodeError, ConnectionError) as error:
                raise TransientError(f"{what}: the answer was cut off.", "Run it again.") from error

        again = retrying(budget_s=self._settings.retry_budget_seconds, attempts=ATTEMPTS)(once)
        try:
            return again()
        except TransientError as fault:
            if isinstance(fault.__cause__, ServiceRequestError):
                raise Unreachable(
                    f"{what}: nobody answers at {self.arm_endpoint}: {_first_line(fault.__cause__)}.",
                    "Check the network, proxy and certificates, or INFERLEDGER_AZURE_ARM_ENDPOINT.",
                ) from fault
            raise

    def get_json(self, client: _Sender, path: str, *, what: str, permission: Permission) -> Mapping[str, Any]:
        """GET a Resource Manager path that no installed client offers."""

        def action() -> Mapping[str, Any]:
            response = client.send_request(HttpRequest("GET", self.arm_endpoint.rstrip("/") + path))
            response.raise_for_status()
            return cast(Mapping[str, Any], response.json())

        return self.call(action, what=what, permission=permission)

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

    def _named(self, error: AzureError, what: str, permission: Permission) -> InferledgerError:
        """The error of ours that says what to do about one of Azure's."""
        if isinstance(error, CredentialUnavailableError):
            return CredentialExpired(
                f"{what}: no Azure credential was found.",
                "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with `az login`.",
            )
        status = error.status_code if isinstance(error, HttpResponseError) else None
        if isinstance(error, ClientAuthenticationError) or status == 401:
            return self._sign_in_failed(error, what)
        if status == 403:
            return PermissionDenied(f"{what}: Azure refused with 403 ({_code(error)}).", str(permission))
        if status == 429:
            response = cast(Any, error).response
            wait = None if response is None else seconds_to_wait(response.headers)
            return TransientError(f"{what}: throttled by Azure (429).", "Run it again later.", retry_after=wait)
        if status is None or status in (408, 500, 502, 503, 504) or isinstance(error, ServiceResponseError):
            return TransientError(f"{what}: {_first_line(error)}", "Run it again later.")
        if status < 400:
            return TransientError(f"{what}: the answer was cut off.", "Run it again.")
        if status == 404 and _code(error) in _MISSING:
            return ConfigError(
                f"{what}: {_first_line(error)}", "Check the ids under 'azure' in sources.yml, and the tenant."
            )
        return TerminalError(
            f"{what}: Azure answered {status}: {_first_line(error)}", "See docs/sources/azure_cost.md."
        )

    def _sign_in_failed(self, error: AzureError, what: str) -> InferledgerError:
        words = str(error)
        if any(code in words for code in _WRONG_TENANT):
            return CredentialExpired(
                f"{what}: the tenant or application is not known to Microsoft Entra ({_aadsts(words)}).",
                f"Check AZURE_TENANT_ID and AZURE_CLIENT_ID; sources.yml names the tenant {self._tenant_id}.",
            )
        if any(code in words for code in _EXPIRED_SECRET):
            return CredentialExpired(
                f"{what}: the application's secret has expired ({_aadsts(words)}).",
                "Make a new client secret for the application and set AZURE_CLIENT_SECRET.",
            )
        return CredentialExpired(
            f"{what}: Azure did not accept the credential ({_aadsts(words) or _code(error)}).",
            "Sign in again, or set AZURE_CLIENT_SECRET to a valid secret of AZURE_CLIENT_ID.",
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
    return Permission("Reader", f"subscription {subscription_id}")


def _code(error: AzureError) -> str:
    """Azure's error code, else the class of the error."""
    inner = getattr(error, "error", None)
    return str(getattr(inner, "code", None) or type(error).__name__)


def _first_line(error: BaseException) -> str:
    return _joined(str(error).strip().splitlines()[:1]) or type(error).__name__


def _joined(lines: Iterable[str]) -> str:
    return " ".join(lines).rstrip(".")[:300]


def _aadsts(words: str) -> str | None:
    found = re.search(r"AADSTS\d+", words)
    return found[0] if found else None
