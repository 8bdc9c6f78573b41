"""Every source by its one name; modules are imported only when used."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Protocol, cast

from ingest.checks import Finding
from ingest.config import SourcesConfig
from ingest.contracts import Context, LoadResult, StreamContract, status_contract
from ingest.errors import ConfigError
from ingest.files import Folder
from ingest.quarantine import quarantine_contract
from ingest.restatement import restatement_contract
from ingest.run import Window

SOURCES: dict[str, tuple[str, ...]] = {
    # the bill names profiles that the inventory has forgotten, so it comes first
    "aws_cur": ("ingest.sources.aws_cur",),
    "aws_bedrock": ("ingest.sources.aws_bedrock", "ingest.sources.aws_bedrock_metrics"),
    "aws_invocation_log": ("ingest.sources.aws_invocation_log",),
    "gcp_billing": ("ingest.sources.gcp_billing",),
    "gcp_vertex": ("ingest.sources.gcp_vertex",),
    "gcp_request_log": ("ingest.sources.gcp_request_log",),
    "azure_cost": ("ingest.sources.azure_cost",),
    "azure_openai": ("ingest.sources.azure_openai", "ingest.sources.azure_openai_metrics"),
    "azure_reservations": ("ingest.sources.azure_reservations",),
    "azure_gateway_log": ("ingest.sources.azure_gateway_log",),
    "litellm": ("ingest.sources.litellm", "ingest.sources.litellm_database"),
    "otel_genai": ("ingest.sources.otel_genai",),
    "anthropic": ("ingest.sources.anthropic",),
    "openai": ("ingest.sources.openai",),
    "fx": ("ingest.sources.fx",),
    "prices": ("ingest.sources.prices",),
    "config": ("ingest.sources.config",),
}
CLOUDS: dict[str, tuple[str, ...]] = {
    "aws": ("aws_cur", "aws_bedrock", "aws_invocation_log"),
    "gcp": ("gcp_billing", "gcp_vertex", "gcp_request_log"),
    "azure": ("azure_cost", "azure_openai", "azure_reservations", "azure_gateway_log"),
    # gateways, direct APIs and exchange rates, each configured by itself
    "direct": ("litellm", "otel_genai", "anthropic", "openai", "fx"),
}


def configured(config: SourcesConfig) -> dict[str, tuple[str, ...]]:
    """The groups of `CLOUDS` that `sources.yml` has a section for, each with its sources in order."""
    wanted: dict[str, tuple[str, ...]] = {cloud: CLOUDS[cloud] for cloud in config.providers}
    return wanted | ({"direct": config.direct} if config.direct else {})


class SourceModule(Protocol):
    """What each module under ``ingest/sources`` offers."""

    SOURCE: str
    STREAMS: Sequence[StreamContract]

    def load(self, context: Context, window: Window | None) -> list[LoadResult]:
        """Load ``window``, or the source's own default when None."""
        ...


class ReadsFiles(Protocol):
    """What a source module offers besides that can read exported files."""

    def load_files(self, context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
        """Land the files of `folder` that it recognises (all their windows, or those inside `window`).

        A file that it does not know is passed over; it raises when it recognises none.
        """
        ...


class Checks(Protocol):
    """What a source module offers besides to the doctor."""

    def check(self, context: Context) -> Iterator[Finding]:
        """Try what the source needs and tell how it went."""
        ...


def modules(source: str) -> list[SourceModule]:
    """The modules of ``source``, in the order they load.

    Raises:
        ConfigError: no source has that name.
    """
    if source not in SOURCES:
        raise ConfigError(f"There is no source {source!r}.", f"Use one of: {', '.join(SOURCES)}.")
    return [cast(SourceModule, import_module(name)) for name in SOURCES[source]]


def contracts() -> list[StreamContract]:
    """Every stream of every source, the status streams included."""
    streams = [stream for source in SOURCES for module in modules(source) for stream in module.STREAMS]
    own = (status_contract, quarantine_contract, restatement_contract)
    return streams + [contract(source) for source in SOURCES for contract in own]
