"""The Bedrock control plane: inference profiles, their tags, provisioned throughput. What AWS withholds stays withheld:
`copyFrom` is never returned, and system-defined profiles carry no tags.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from emulator.aws.estate import Workload, system_profiles
from emulator.aws.invocation_logs import LOG_BUCKET, LOG_PREFIX, LOGGED_ACCOUNT, LOGGED_REGION
from emulator.aws.wire import AwsError, Caller, iso, page_offset, page_token
from emulator.clock import Clock

SYSTEM_PROFILES_SINCE = datetime(2025, 11, 24, tzinfo=UTC)
DEFAULT_PAGE = 20
LARGEST_PAGE = 1000


class Bedrock:
    """Answers control-plane calls from the estate as it is at the clock's time.

    Args:
        page_size: items per page when the caller asks for none.
    """

    def __init__(self, estate: tuple[Workload, ...], clock: Clock, page_size: int = DEFAULT_PAGE) -> None:
        self._estate, self._clock, self._page_size = estate, clock, page_size

    def operation(self, method: str, path: str) -> str:
        """The name of the operation behind a route; raises AwsError where there is none."""
        if (method, path) == ("GET", "/inference-profiles"):
            return "ListInferenceProfiles"
        if method == "GET" and path.startswith("/inference-profiles/"):
            return "GetInferenceProfile"
        if (method, path) == ("POST", "/listTagsForResource"):
            return "ListTagsForResource"
        if (method, path) == ("GET", "/provisioned-model-throughputs"):
            return "ListProvisionedModelThroughputs"
        if (method, path) == ("GET", "/logging/modelinvocations"):
            return "GetModelInvocationLoggingConfiguration"
        raise AwsError("UnknownOperationException", f"{method} {path} is not an operation of this service", 404)

    def answer(
        self, operation: str, who: Caller, path: str, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The payload of one operation."""
        if operation == "ListInferenceProfiles":
            profiles = self._profiles(who)
            wanted = query.get("type")
            if wanted not in (None, "APPLICATION", "SYSTEM_DEFINED"):
                raise AwsError("ValidationException", f"'{wanted}' is not an inference profile type")
            chosen = [one for one in profiles if wanted in (None, one["type"])]
            return self._page(chosen, query, "inferenceProfileSummaries")
        if operation == "GetInferenceProfile":
            return self._profile(who, unquote(path.removeprefix("/inference-profiles/")))
        if operation == "ListTagsForResource":
            return {"tags": self._tags(who, body.get("resourceARN", ""))}
        if operation == "GetModelInvocationLoggingConfiguration":
            return _logging(who)
        units = [_provisioned(one) for one in self._mine(who) if one.kind == "provisioned"]
        wanted = query.get("statusEquals")
        return self._page([one for one in units if wanted in (None, one["status"])], query, "provisionedModelSummaries")

    def tagged(self, who: Caller) -> list[Workload]:
        """Taggable resources that carry tags, for the tagging API."""
        return [one for one in self._mine(who) if one.tags]

    def _mine(self, who: Caller) -> list[Workload]:
        now = self._clock.now()
        return [
            one
            for one in self._estate
            if (one.account, one.region) == (who.account, who.region)
            and one.kind != "system_profile"
            and one.exists(now)
        ]

    def _profiles(self, who: Caller) -> list[dict[str, Any]]:
        own = [_application_profile(one) for one in self._mine(who) if one.kind == "application_profile"]
        return own + [_system_profile(one) for one in system_profiles(who.account, who.region)]

    def _profile(self, who: Caller, identifier: str) -> dict[str, Any]:
        for profile in self._profiles(who):
            if identifier in (profile["inferenceProfileId"], profile["inferenceProfileArn"]):
                return profile
        raise AwsError("ResourceNotFoundException", f"Inference profile {identifier} was not found.", 404)

    def _tags(self, who: Caller, arn: str) -> list[dict[str, str]]:
        if ":inference-profile/" in arn:
            raise AwsError("ValidationException", "System defined inference profiles do not support tags.")
        for one in self._mine(who):
            if one.arn == arn:
                return [{"key": key, "value": value} for key, value in one.tags.items()]
        raise AwsError("ResourceNotFoundException", f"The resource {arn} was not found.", 404)

    def _page(self, items: list[dict[str, Any]], query: Mapping[str, str], name: str) -> dict[str, Any]:
        size = int(query.get("maxResults") or self._page_size)
        if not 1 <= size <= LARGEST_PAGE:
            raise AwsError("ValidationException", f"maxResults must lie between 1 and {LARGEST_PAGE}")
        start = page_offset(query.get("nextToken"), AwsError("ValidationException", "The nextToken is not valid."))
        page: dict[str, Any] = {name: items[start : start + size]}
        if start + size < len(items):
            page["nextToken"] = page_token(start + size)
        return page


def _logging(who: Caller) -> dict[str, Any]:
    """An account and region without logging answers without a configuration."""
    if (who.account, who.region) != (LOGGED_ACCOUNT, LOGGED_REGION):
        return {}
    return {
        "loggingConfig": {
            "s3Config": {"bucketName": LOG_BUCKET, "keyPrefix": LOG_PREFIX},
            "textDataDeliveryEnabled": True,
            "imageDataDeliveryEnabled": False,
            "embeddingDataDeliveryEnabled": False,
        }
    }


def _application_profile(one: Workload) -> dict[str, Any]:
    return {
        "inferenceProfileName": one.name,
        "createdAt": iso(one.created_at),
        "updatedAt": iso(one.created_at),
        "inferenceProfileArn": one.arn,
        "models": [{"modelArn": arn} for arn in one.model_arns],
        "inferenceProfileId": one.workload_id,
        "status": "ACTIVE",
        "type": "APPLICATION",
    }


def _system_profile(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "inferenceProfileName": one["name"],
        "description": f"Routes requests to {one['name']}.",
        "createdAt": iso(SYSTEM_PROFILES_SINCE),
        "updatedAt": iso(SYSTEM_PROFILES_SINCE),
        "inferenceProfileArn": one["arn"],
        "models": [{"modelArn": arn} for arn in one["model_arns"]],
        "inferenceProfileId": one["id"],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }


def _provisioned(one: Workload) -> dict[str, Any]:
    """Without a commitment there is neither duration nor expiry."""
    model = one.model_arns[0]
    return {
        "provisionedModelName": one.name,
        "provisionedModelArn": one.arn,
        "modelArn": model,
        "desiredModelArn": model,
        "foundationModelArn": model,
        "modelUnits": one.model_units,
        "desiredModelUnits": one.model_units,
        "status": "InService",
        "creationTime": iso(one.created_at),
        "lastModifiedTime": iso(one.created_at),
    }
