"""Azure's errors in words that say what to do, and how long Azure asks to wait."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError

from ingest.errors import (
    ConfigError,
    CredentialExpired,
    InferledgerError,
    PermissionDenied,
    TerminalError,
    TransientError,
)

LONGEST_WAIT_S = 900.0
PASSING = (408, 500, 502, 503, 504)
_WAITS = re.compile(r"^(retry-after|x-ms-ratelimit-.*retry-after)$", re.IGNORECASE)
_WRONG_TENANT = (
    "AADSTS90002",
    "AADSTS900023",
    "AADSTS50020",
    "AADSTS700016",
    "InvalidAuthenticationTokenTenant",
    # what the client makes of a tenant that has no configuration
    "Unable to get authority configuration",
)
_EXPIRED_SECRET = ("AADSTS7000222",)
# scopes at which the roles of deploy/azure are assigned; a billing account has roles of its own
_ROLE_SCOPES = ("subscription", "account", "workspace", "component")
_MISSING = ("SubscriptionNotFound", "BillingAccountNotFound", "InvalidSubscriptionId")


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """The longest wait that the headers of a 429 or 503 ask for, in seconds; None when they name none."""
    waits = [value.strip() for name, value in headers.items() if _WAITS.match(name)]
    seconds = [float(value) for value in waits if re.fullmatch(r"\d+(\.\d+)?", value)]
    return min(max(seconds), LONGEST_WAIT_S) if seconds else None


@dataclass(frozen=True)
class Permission:
    """What a call needs, in the words in which it is granted: a role, and where we ship one the action in its file."""

    role: str
    scope: str
    action: str | None = None
    file: str = "inferledger-reader.json"

    def __str__(self) -> str:
        granted = f"Grant the role '{self.role}' at {self.scope} to the identity that runs this"
        return (
            f"{granted}." if self.action is None else f'{granted}; deploy/azure/{self.file} has it as "{self.action}".'
        )


def named(error: AzureError, what: str, permission: Permission, tenant_id: str) -> InferledgerError:
    """The error of ours that says what to do about one of Azure's.

    Args:
        error: what the client raised.
        what: the call in words.
        permission: what the call needs.
        tenant_id: tenant of `sources.yml`.
    """
    if isinstance(error, CredentialUnavailableError):
        return CredentialExpired(
            f"{what}: no Azure credential was found.",
            "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with `az login`.",
        )
    if isinstance(origin(error), ServiceRequestError | ServiceResponseError):
        return TransientError(f"{what}: {first_line(error)}.", "Run it again later.")
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ClientAuthenticationError) or status == 401:
        return _sign_in_failed(error, what, tenant_id)
    if status == 429:
        response = cast(Any, error).response
        wait = None if response is None else seconds_to_wait(response.headers)
        return TransientError(f"{what}: throttled by Azure (429).", "Run it again later.", retry_after=wait)
    # a status of success on an error means that the body could not be read to its end
    if status is None or status < 400 or status in PASSING:
        return TransientError(f"{what}: {first_line(error)}.", "Run it again later.")
    return _refused(error, status, what, permission)


def _refused(error: AzureError, status: int, what: str, permission: Permission) -> InferledgerError:
    if status == 403:
        return _denied(error, what, permission)
    if status == 400 and "group" in str(error).lower():
        return TerminalError(
            f"{what}: Azure refuses so many groupings in one query: {first_line(error)}.",
            "Read the bill from cost exports instead: `route: export` in sources.yml, see docs/sources/azure_cost.md.",
        )
    if status == 404 and _code(error) in _MISSING:
        return ConfigError(
            f"{what}: {first_line(error)}.", "Check the ids under 'azure' in sources.yml, and the tenant."
        )
    return TerminalError(f"{what}: Azure answered {status}: {first_line(error)}.", "See docs/sources/azure_cost.md.")


def _denied(error: AzureError, what: str, permission: Permission) -> PermissionDenied:
    """Azure names the action that is missing; where we ship a role for the scope, its line is told."""
    found = re.search(r"to perform action '([^']+)'", str(error))
    if found is None:
        return PermissionDenied(f"{what}: Azure refused with 403 ({_code(error)}).", str(permission))
    if permission.scope.startswith(_ROLE_SCOPES):
        permission = replace(permission, action=found[1])
    return PermissionDenied(f"{what}: Azure refused {found[1]} with 403 ({_code(error)}).", str(permission))


def _sign_in_failed(error: AzureError, what: str, tenant_id: str) -> InferledgerError:
    words = str(error)
    code = _aadsts(words)
    if any(mark in words for mark in _WRONG_TENANT):
        return CredentialExpired(
            f"{what}: Microsoft Entra does not know the tenant or application ({code or 'no such tenant'}).",
            f"Check AZURE_TENANT_ID and AZURE_CLIENT_ID; sources.yml names the tenant {tenant_id}.",
        )
    if any(mark in words for mark in _EXPIRED_SECRET):
        return CredentialExpired(
            f"{what}: the application's secret has expired ({code}).",
            "Make a new client secret for the application and set AZURE_CLIENT_SECRET.",
        )
    return CredentialExpired(
        f"{what}: Azure did not accept the credential ({code or _code(error)}).",
        "Sign in again, or set AZURE_CLIENT_SECRET to a valid secret of AZURE_CLIENT_ID.",
    )


def origin(error: BaseException | None) -> BaseException | None:
    """The network fault behind a failed sign-in, else the error itself."""
    if isinstance(error, ClientAuthenticationError) and isinstance(error.__cause__, AzureError):
        return error.__cause__
    return error


def _code(error: AzureError) -> str:
    """Azure's error code, else the class of the error."""
    inner = getattr(error, "error", None)
    return str(getattr(inner, "code", None) or type(error).__name__)


def first_line(error: BaseException) -> str:
    """What the error says in its first line, without its full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:300] if lines else type(error).__name__


def _aadsts(words: str) -> str | None:
    found = re.search(r"AADSTS\d+", words)
    return found[0] if found else None
