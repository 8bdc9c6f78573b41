"""Typed `tests` of `ownership.yml`: this thing, on that day, belongs to that team.

They are decided by the rules of the same file whenever it is checked or landed; one that does not hold refuses the
file.
"""

from collections.abc import Sequence

from pydantic import Field, model_validator

from ingest.config_dated import Provider, Slug, refuse_repeated_ids, refuse_unknown
from ingest.yaml_config import Day, MisplacedError, StrictModel

UNALLOCATED = "unallocated"
_ACCOUNTS = ("account", "project", "subscription")


class ExampleThing(StrictModel):
    provider: Provider
    """The cloud that bills or serves it."""
    billing_account: str | None = None
    """The account that is invoiced."""
    account: str | None = None
    """The AWS account."""
    project: str | None = None
    """The Google Cloud project."""
    subscription: str | None = None
    """The Azure subscription."""
    region: str | None = None
    """Region."""
    service_name: str | None = None
    """Service as the bill names it."""
    resource_group: str | None = None
    """The Azure resource group it lies in."""
    resource_id: str | None = None
    """Resource as the bill names it."""
    workload_id: str | None = None
    """Inference profile, project, or account and deployment."""
    profile_name: str | None = None
    """Name of a Bedrock inference profile."""
    model: str | None = None
    """Canonical model id."""
    principal: str | None = None
    """Who called."""
    gateway_key: str | None = None
    """Key of a gateway."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the resource, profile or project."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the request."""
    deployment_tags: dict[str, str] = Field(default_factory=dict)
    """Tags of an Azure deployment."""
    principal_tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the AWS caller."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> "ExampleThing":
        given = [name for name in _ACCOUNTS if getattr(self, name) is not None]
        if len(given) > 1:
            raise MisplacedError((given[1],), f"a thing has one of {', '.join(_ACCOUNTS)}; '{given[0]}' is given too")
        return self

    @property
    def sub_account(self) -> str | None:
        """Account, project or subscription."""
        return self.account or self.project or self.subscription

    @property
    def resource(self) -> str | None:
        """The resource as the bill names it, or a place in the resource group."""
        if self.resource_id is None and self.resource_group is not None:
            return f"/resourceGroups/{self.resource_group}"
        return self.resource_id

    @property
    def tag_sets(self) -> list[tuple[str, dict[str, str]]]:
        """Attribution method and tags of each set, best evidence first."""
        own = "profile_tag" if self.provider == "aws" else "resource_tag"
        sets = (
            ("request_label", self.labels),
            ("deployment_tag", self.deployment_tags),
            (own, self.tags),
            ("principal", self.principal_tags),
        )
        return [(method, tags) for method, tags in sets if tags]


class Example(StrictModel):
    id: Slug
    """Name of the test."""
    thing: ExampleThing
    """What is asked about, as far as it matters."""
    day: Day
    """The day that is asked about."""
    team: Slug
    """Whose it is that day; `unallocated` for nobody's."""
    product: Slug | None = None
    """Its product; not looked at if left out."""
    environment: Slug | None = None
    """Its environment; not looked at if left out."""
    method: str | None = None
    """The evidence that decides, as in `attribution_method`; not looked at if left out."""


METHODS = ("profile_tag", "request_label", "deployment_tag", "resource_tag", "principal", "owner", UNALLOCATED)


def check_examples(tests: Sequence[Example], teams: set[str], products: set[str]) -> None:
    """Raise MisplacedError for a test that names what the file does not know."""
    refuse_repeated_ids("tests", [test.id for test in tests])
    for index, test in enumerate(tests):
        refuse_unknown(("tests", index, "team"), test.team, teams | {UNALLOCATED}, "teams")
        if test.product is not None:
            refuse_unknown(("tests", index, "product"), test.product, products, "products")
        if test.method is not None:
            refuse_unknown(("tests", index, "method"), test.method, set(METHODS), "the methods that tests can ask for")
