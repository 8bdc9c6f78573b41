"""What a rule of `ownership.yml` may compare: a field of the bill, a meter or a log, or a tag by its key."""

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from ingest.yaml_config import MisplacedError

FIELDS = (
    "billing_account",
    "account",
    "project",
    "subscription",
    "resource_group",
    "resource_id",
    "workload_id",
    "profile_name",
    "service_name",
    "model",
    "region",
    "principal",
    "gateway_key",
)
_TAG = re.compile(r"(tag|label):(.+)")


def _known_field(field: str) -> str:
    tag = _TAG.fullmatch(field)
    if field not in FIELDS and not (tag and re.search("[a-z0-9]", tag_key(tag[2]))):
        raise MisplacedError((), f"'{field}' is not one of {', '.join(FIELDS)}, tag:KEY, label:KEY")
    return field


OwnerField = Annotated[
    str,
    AfterValidator(_known_field),
    WithJsonSchema({"anyOf": [{"enum": list(FIELDS)}, {"type": "string", "pattern": "^(tag|label):.*[A-Za-z0-9]"}]}),
]


def tag_key(key: str) -> str:
    """A tag key as keys are compared: lower case, any run of other signs one underscore, without AWS's `user:`."""
    return re.sub(r"^user_", "", re.sub(r"[^a-z0-9]+", "_", key.lower()))


def plain_field(field: str) -> str:
    """A field as it is landed: `label:` is `tag:`, and the key as keys are compared."""
    tag = _TAG.fullmatch(field)
    return f"tag:{tag_key(tag[2])}" if tag else field
