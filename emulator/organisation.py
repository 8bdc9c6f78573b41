"""The demo organisation as written in `data/organisation.yml`: teams, clouds and the streams of traffic."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"
PROVIDERS = ("aws", "gcp", "azure")


@dataclass(frozen=True)
class Stream:
    """One team's product calling one model in one place.

    `via` says how the provider sees it (profile, labels, deployment); `traffic` has requests per day, prompt and output
    tokens per request, the cached shares of the prompt, the weekend factor and the half-open life `from_day`, `to_day`.
    """

    id: str
    provider: str
    team: str
    product: str | None
    environment: str | None
    model: str
    account: str
    region: str
    via: Mapping[str, Any]
    traffic: Mapping[str, Any]


@dataclass(frozen=True)
class Organisation:
    """Who runs what, where; `aws`, `gcp` and `azure` are the sections of the YAML file as they stand there."""

    teams: Mapping[str, Any]
    aws: Mapping[str, Any]
    gcp: Mapping[str, Any]
    azure: Mapping[str, Any]
    streams: tuple[Stream, ...]

    def of(self, provider: str) -> tuple[Stream, ...]:
        """The streams of one provider, in the order of the file."""
        return tuple(stream for stream in self.streams if stream.provider == provider)

    def stream(self, stream_id: str) -> Stream:
        """One stream by its id; raises KeyError when there is none."""
        for stream in self.streams:
            if stream.id == stream_id:
                return stream
        raise KeyError(stream_id)


def load_organisation(path: Path = DATA / "organisation.yml") -> Organisation:
    """Read the organisation; raises ValueError when a stream id is there twice or a provider is unknown."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    streams = tuple(Stream(**entry) for entry in raw["streams"])
    ids = [stream.id for stream in streams]
    if len(set(ids)) != len(ids):
        raise ValueError(f"{path}: stream ids must be unique")
    unknown = {stream.provider for stream in streams} - set(PROVIDERS)
    if unknown:
        raise ValueError(f"{path}: unknown providers {sorted(unknown)}")
    return Organisation(raw["teams"], raw["aws"], raw["gcp"], raw["azure"], streams)
