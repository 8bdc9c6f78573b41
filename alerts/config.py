"""What `config/alerts.yml` may say: who is told, from how many dollars on, for how long back."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

CHANNEL_KINDS = ("slack", "webhook", "email")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Channel(_Strict):
    """One place that is told. Its address stands in an environment variable, because it is a secret."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """Short name, as it stands in messages about the channel. Renamed, it is a new channel and is told anew."""

    kind: Literal["slack", "webhook", "email"]
    """slack: any Slack-compatible incoming webhook. webhook: JSON with one field per fact. email: SMTP."""

    url_env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    """Name of the environment variable that holds the address. A channel whose variable is not set is off."""


class AlertsConfig(_Strict):
    """Which spikes are told, and to whom."""

    channels: Annotated[list[Channel], Field(min_length=1)]
    """Who is told."""

    minimum_usd: Annotated[Decimal, Field(ge=0)] = Decimal(100)
    """A spike is told from this many US dollars above or below what was expected."""

    max_age_days: Annotated[int, Field(ge=1)] = 14
    """A spike that ended longer ago than this many days is not told: it is history, and stands on the Spikes page."""

    digest_above: Annotated[int, Field(ge=1)] = 5
    """When more spikes than this are new to a channel, it gets one message that lists them."""

    dashboard_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = "http://127.0.0.1:8501"
    """Where the dashboard is, for the links. The environment variable INFERLEDGER_DASHBOARD_URL has precedence."""

    @field_validator("channels")
    @classmethod
    def _named_once(cls, channels: list[Channel]) -> list[Channel]:
        names = [channel.name for channel in channels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the channel name {twice[0]} is there twice")
        return channels
