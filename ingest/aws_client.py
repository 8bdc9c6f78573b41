"""Clients for AWS: which credentials, which endpoint, how long to wait, and what its errors mean for a reader.

Credentials come from AWS's own default chain; an account with a `role_arn` is entered through STS. botocore retries
throttling and 5xx itself a few times; what is left becomes a TransientError for the caller's own budget.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    ResponseStreamingError,
    TokenRetrievalError,
)
from botocore.utils import parse_timestamp

from ingest.aws_policy import grant
from ingest.config_aws import AwsAccount
from ingest.errors import ConfigError, CredentialExpired, PermissionDenied, TransientError, Unreachable, WrongRegion
from ingest.retry import retrying
from ingest.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_s3 import S3Client

P = ParamSpec("P")
R = TypeVar("R")

_CONFIG = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
    user_agent_extra="inferledger",
)
# adaptive slows its own calls down when AWS throttles them: the control plane publishes no rate that one could keep
_ADAPTIVE = Config(retries={"mode": "adaptive", "total_max_attempts": 3})
_PACED = {"bedrock", "cloudwatch", "resourcegroupstaggingapi"}
_DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "403", "UnauthorizedOperation"}
_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "401",
}
_ELSEWHERE = {"301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
_THROTTLED = {
    "RequestLimitExceeded",
    "RequestTimeout",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "429",
}


class AwsClients:
    """Opens clients for the accounts of `sources.yml`; one session per account.

    Args:
        settings: endpoints (None for the real cloud) and the retry budget.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sessions: dict[str, boto3.Session] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}

    def bedrock(self, account: AwsAccount, region: str) -> "BedrockClient":
        """Bedrock's control plane in one account and region."""
        return self._of(account, "bedrock", region)

    def cloudwatch(self, account: AwsAccount, region: str) -> "CloudWatchClient":
        """CloudWatch in one account and region."""
        return self._of(account, "cloudwatch", region)

    def tagging(self, account: AwsAccount, region: str) -> Any:
        """The Resource Groups Tagging API in one account and region."""
        return self._of(account, "resourcegroupstaggingapi", region)

    def s3_of(self, account: AwsAccount, region: str) -> "S3Client":
        """S3 as the account's own role, for a bucket that the account can read."""
        return self._of(account, "s3", region)

    def enter(self, account: AwsAccount, region: str) -> None:
        """Only take on the account's role; raises as every call in the account would."""
        self._session(account, region)

    def s3(self, region: str) -> "S3Client":
        """S3 under the caller's own credentials, which must be able to read the export's bucket."""
        return self._open(self._base, "s3", region)

    def _of(self, account: AwsAccount, service: str, region: str) -> Any:
        """The one client of an account, service and region: making one takes longer than most calls."""
        key = (account.id, service, region)
        if key not in self._clients:
            self._clients[key] = self._open(self._session(account, region), service, region)
        return self._clients[key]

    def cost_explorer(self) -> Any:
        """Cost Explorer, which answers in one region, under the caller's own credentials."""
        return self._open(self._base, "ce", "us-east-1")

    def data_exports(self) -> Any:
        """The Data Exports API, which answers in one region, under the caller's own credentials."""
        return self._open(self._base, "bcm-data-exports", "us-east-1")

    def _open(self, session: boto3.Session, service: str, region: str) -> Any:
        """A client that also notices a body shorter than announced: botocore reads half a JSON body as an empty one."""
        url = self._settings.aws_endpoint_url
        config = _CONFIG.merge(_ADAPTIVE) if service in _PACED else _CONFIG
        if service == "s3":
            url = self._settings.aws_s3_endpoint_url
            # an endpoint of one's own seldom has a name per bucket
            config = config.merge(Config(s3={"addressing_style": "path"})) if url else config
        # the stubs know only services named by a literal
        client = cast(Any, session).client(service, region_name=region, endpoint_url=url, config=config)
        client.meta.events.register("before-parse", _refuse_short_body)
        return client

    def calling(self, what: str, permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a call: AWS's errors become ours, transient ones are tried again within the budget.

        Args:
            what: what is being read, as the subject of an error message.
            permission: the IAM action that the call needs, `action @ Statement` where several statements grant it.
        """

        def decorate(call: Callable[P, R]) -> Callable[P, R]:
            def translated(*args: P.args, **kwargs: P.kwargs) -> R:
                with translating(what, permission):
                    return call(*args, **kwargs)

            return retrying(budget_s=self._settings.retry_budget_seconds, attempts=4)(translated)

        return decorate

    @cached_property
    def _base(self) -> boto3.Session:
        with translating("The AWS profile", "sts:GetCallerIdentity"):
            return boto3.Session(botocore_session=_quick_session())

    def _session(self, account: AwsAccount, region: str) -> boto3.Session:
        if account.id not in self._sessions:
            enter = self.calling(f"AWS account {account.id}", "sts:AssumeRole")(self._entered)
            self._sessions[account.id] = enter(account, region)
        return self._sessions[account.id]

    def _entered(self, account: AwsAccount, region: str) -> boto3.Session:
        """A session that is in the account, by its role or because the caller is there already."""
        sts = self._open(self._base, "sts", region)
        if account.role_arn is None:
            found = sts.get_caller_identity()["Account"]
            if found != account.id:
                raise ConfigError(
                    f"The AWS credentials belong to account {found}, not to {account.id} ({account.name}).",
                    f"Give account {account.id} a role_arn in sources.yml, or use credentials of that account.",
                )
            return self._base
        proof = {"ExternalId": account.external_id} if account.external_id else {}
        assumed = sts.assume_role(RoleArn=account.role_arn, RoleSessionName="inferledger", **proof)["Credentials"]
        return boto3.Session(
            botocore_session=_quick_session(),
            aws_access_key_id=assumed["AccessKeyId"],
            aws_secret_access_key=assumed["SecretAccessKey"],
            aws_session_token=assumed["SessionToken"],
        )


def _quick_session() -> botocore.session.Session:
    """A session that parses each time stamp once: a page of CloudWatch repeats a few of them 100,000 times."""
    session = botocore.session.get_session()
    factory: Any = session.get_component("response_parser_factory")
    factory.set_parser_defaults(timestamp_parser=lru_cache(maxsize=100_000)(parse_timestamp))
    return session


@contextmanager
def translating(what: str, permission: str) -> Generator[None]:
    """Raise our errors for AWS's inside the block; see `AwsClients.calling` for the arguments."""
    try:
        yield
    except ClientError as error:
        raise _meaning(error, what, permission) from error
    except (NoCredentialsError, PartialCredentialsError, TokenRetrievalError) as error:
        raise CredentialExpired(
            f"{what}: there are no usable AWS credentials: {error}.",
            "Log in (`aws sso login`) or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        ) from error
    except ProfileNotFound as error:
        raise ConfigError(f"{what}: {error}.", "Correct AWS_PROFILE or ~/.aws/config.") from error
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        raise Unreachable(
            f"{what}: nobody answers: {error}.",
            "Check the network and proxy, the region's name in sources.yml, and the endpoint settings.",
        ) from error
    except (ConnectionClosedError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError) as error:
        raise TransientError(f"{what}: the connection broke: {error}.", "Run again.") from error
    except HTTPClientError as error:
        raise Unreachable(f"{what}: {error}.", "Check the network, the proxy and its certificates.") from error
    except BotoCoreError as error:
        raise ConfigError(f"{what}: {error}.", "Check the AWS settings.") from error


def _meaning(error: ClientError, what: str, permission: str) -> Exception:
    """Which of our errors an AWS error code is."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = f"{what}: AWS answered {code or status}: {error.response.get('Error', {}).get('Message', '')}"
    if code in _EXPIRED:
        return CredentialExpired(said, "Log in again or renew the AWS credentials.")
    if code in _DENIED:
        return PermissionDenied(said, grant(permission))
    if code in _ELSEWHERE:
        return WrongRegion(said, "Set the region of the bucket in sources.yml.")
    if code in _THROTTLED or status >= 500:
        return TransientError(said, "Run again later.")
    if code == "NoSuchBucket":
        return ConfigError(said, "Correct the bucket's name in sources.yml.")
    return ConfigError(said, "Check sources.yml against the AWS console.")


def _refuse_short_body(response_dict: Mapping[str, Any], operation_model: Any, **_: object) -> None:
    if operation_model.has_streaming_output or operation_model.http.get("method") == "HEAD":
        return
    headers = {str(name).lower(): value for name, value in response_dict["headers"].items()}
    announced = headers.get("content-length")
    if announced is None or "content-encoding" in headers:
        return
    body = cast(bytes, response_dict["body"] or b"")
    if len(body) < int(announced):
        raise TransientError(
            f"{operation_model.name}: {len(body)} of {announced} bytes came before the connection broke.", "Run again."
        )
