"""Google Cloud's clients and errors, shared by the Google sources.

Credentials are the application default ones (attached service account, workload identity, `gcloud auth
application-default login`). Only where the settings name another endpoint are requests sent without credentials, over
plain connections: no real Google service accepts those.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials

from ingest.errors import (
    CredentialExpired,
    InferledgerError,
    PermissionDenied,
    TerminalError,
    TransientError,
    Unreachable,
    WrongRegion,
)
from ingest.retry import retrying
from ingest.settings import Settings

# the clients are imported where they are made: together they take seconds, and most commands need none of them
if TYPE_CHECKING:
    import grpc
    from google.cloud import bigquery, monitoring_v3
    from google.cloud.bigquery_storage_v1.services.big_query_read import BigQueryReadClient
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client

R = TypeVar("R")
TIMEOUT_S = 120.0
# one batch of a read stream is at most this large
_GRPC_OPTIONS = [("grpc.max_receive_message_length", -1)]
_BUSY_REASONS = {"rateLimitExceeded", "quotaExceeded", "backendError", "internalError", "jobRateLimitExceeded"}
_TRANSIENT = (
    api.TooManyRequests,
    api.ServerError,
    api.Aborted,
    requests.exceptions.RequestException,
    auth.TransportError,
    ConnectionError,
)
_CREDENTIALS_REMEDY = (
    "Sign in with `gcloud auth application-default login`, or run where a service account is attached."
)


def bigquery_client(settings: Settings, project: str, location: str) -> "bigquery.Client":
    """A BigQuery client whose jobs run in `project` and `location`. Raises CredentialExpired without credentials."""
    from google.cloud import bigquery

    if settings.gcp_bigquery_endpoint is None:
        return _with_credentials(lambda: bigquery.Client(project=project, location=location))
    return bigquery.Client(
        project=project,
        location=location,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": settings.gcp_bigquery_endpoint},
    )


def storage_client(settings: Settings) -> "BigQueryReadClient":
    """A client of the Storage Read API. Raises CredentialExpired without credentials."""
    from google.cloud.bigquery_storage_v1.services.big_query_read import BigQueryReadClient
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    if settings.gcp_bigquery_storage_endpoint is None:
        return _with_credentials(BigQueryReadClient)
    channel = _channel(settings.gcp_bigquery_storage_endpoint)
    return BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))


def monitoring_client(settings: Settings) -> "monitoring_v3.MetricServiceClient":
    """A Cloud Monitoring client. Raises CredentialExpired without credentials."""
    from google.cloud import monitoring_v3
    from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

    if settings.gcp_monitoring_endpoint is None:
        return _with_credentials(monitoring_v3.MetricServiceClient)
    channel = _channel(settings.gcp_monitoring_endpoint)
    return monitoring_v3.MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))


def logging_client(settings: Settings) -> "LoggingServiceV2Client":
    """A Cloud Logging client. Raises CredentialExpired without credentials."""
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

    if settings.gcp_logging_endpoint is None:
        return _with_credentials(LoggingServiceV2Client)
    channel = _channel(settings.gcp_logging_endpoint)
    return LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel))


def call_google(settings: Settings, what: str, grant: str, call: Callable[[], R]) -> R:
    """The result of `call`, tried again on transient faults within the retry budget of the settings.

    Args:
        what: the thing that is read, for the sentence of an error.
        grant: the role to give and where, for the remedy when Google answers 403.
        call: asks Google with its own retries off (`retry=None`), so that retries do not multiply.

    Raises:
        PermissionDenied, CredentialExpired, WrongRegion, Unreachable: what Google's error means.
        TransientError: Google kept failing until the budget was used up.
        TerminalError: any other refusal.
    """

    @retrying(budget_s=settings.retry_budget_seconds)
    def attempt() -> R:
        try:
            return call()
        except (
            api.GoogleAPIError,
            auth.GoogleAuthError,
            requests.exceptions.RequestException,
            ConnectionError,
        ) as error:
            raise translated(error, what, grant) from error

    try:
        return attempt()
    except TransientError as error:
        if _nobody_answered(error.__cause__):
            raise Unreachable(f"{what}: nobody answers ({error.__cause__}).", _unreachable_remedy()) from error
        raise


def translated(error: Exception, what: str, grant: str) -> InferledgerError:
    """What one of Google's exceptions means here."""
    if isinstance(error, api.Forbidden) and not _reasons(error) & _BUSY_REASONS:
        return PermissionDenied(f"{what}: Google refuses access ({_message(error)}).", f"Grant {grant}.")
    is_transport = isinstance(error, auth.TransportError)
    if isinstance(error, (api.Unauthorized, auth.GoogleAuthError)) and not is_transport:
        return CredentialExpired(f"{what}: Google does not accept the credential ({error}).", _CREDENTIALS_REMEDY)
    if isinstance(error, api.NotFound) and "in location" in str(error):
        return WrongRegion(
            f"{what}: it is not in the configured location ({_message(error)}).",
            "Set `location` in sources.yml to the location of the dataset, as its details page shows it.",
        )
    if isinstance(error, (*_TRANSIENT, api.Forbidden, api.RetryError)):
        return TransientError(f"{what}: {_message(error)}", retry_after=_retry_after(error))
    return TerminalError(
        f"{what}: {_message(error)}", "Check the names in sources.yml against the Google Cloud console."
    )


def _with_credentials(make: Callable[[], R]) -> R:
    try:
        return make()
    except auth.GoogleAuthError as error:
        raise CredentialExpired(f"There is no usable Google credential ({error}).", _CREDENTIALS_REMEDY) from error


def _channel(endpoint: str) -> "grpc.Channel":
    import grpc

    return grpc.insecure_channel(_address(endpoint), options=_GRPC_OPTIONS)


def _address(endpoint: str) -> str:
    """`host:port` of an endpoint that may be written as a URL."""
    return endpoint.rpartition("//")[2].rstrip("/")


def _reasons(error: Any) -> set[str]:
    # REST errors carry mappings, gRPC errors the call itself
    found = (detail.get("reason") for detail in error.errors if hasattr(detail, "get"))
    return {str(reason) for reason in found if reason}


def _message(error: Exception) -> str:
    """The first line of Google's message, without the request's URL in front."""
    text = str(getattr(error, "message", None) or error)
    return re.sub(r"^(GET|POST) \S+: ", "", text.splitlines()[0]) if text else type(error).__name__


def _retry_after(error: Exception) -> float | None:
    response = getattr(error, "response", None)
    header = getattr(response, "headers", {}).get("Retry-After") if response is not None else None
    return float(header) if header and header.isdigit() else None


def _nobody_answered(cause: BaseException | None) -> bool:
    refused = isinstance(cause, (requests.exceptions.ConnectionError, auth.TransportError, ConnectionError))
    return refused or (isinstance(cause, api.ServiceUnavailable) and "connect" in str(cause).lower())


def _unreachable_remedy() -> str:
    return "Check the network, the proxy and the endpoint settings (INFERLEDGER_GCP_...), then run again."
