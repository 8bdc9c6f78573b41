"""The typed configuration in `config/*.yml`: what to read (`sources.yml`) and the rules that apply to it.

Everything is read from one folder, checked as a whole, and immutable afterwards.
`docs/configuration.md` explains every key.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pydantic import ConfigDict, Field

from ingest.config_aws import AwsSources
from ingest.config_azure import AzureSources
from ingest.config_dated import Provider
from ingest.config_fx import FxSource
from ingest.config_gateway import AnthropicSources, LitellmSources, OpenAiSources, OtelSources
from ingest.config_gcp import GcpSources
from ingest.config_ownership import OwnershipConfig
from ingest.config_prices import PricesConfig
from ingest.config_rules import BudgetsConfig, ScopeConfig
from ingest.errors import ConfigError
from ingest.yaml_config import StrictModel, WholeNumber, load_yaml


class SourcesConfig(StrictModel):
    """`config/sources.yml`. A cloud that is not in use is left out; asking for its section then raises ConfigError."""

    model_config = ConfigDict(title="sources.yml")

    backfill_days: WholeNumber = Field(default=90, ge=1, le=1100)
    """How many days back the first run of a source reads."""
    aws_section: AwsSources | None = Field(default=None, alias="aws")
    """Amazon Web Services; left out when not in use."""
    gcp_section: GcpSources | None = Field(default=None, alias="gcp")
    """Google Cloud; left out when not in use."""
    azure_section: AzureSources | None = Field(default=None, alias="azure")
    """Microsoft Azure; left out when not in use."""
    litellm_section: LitellmSources | None = Field(default=None, alias="litellm")
    """LiteLLM's request logs; left out when not in use."""
    otel_genai_section: OtelSources | None = Field(default=None, alias="otel_genai")
    """OpenTelemetry's GenAI spans; left out when not in use."""
    anthropic_section: AnthropicSources | None = Field(default=None, alias="anthropic")
    """Anthropic's own API; left out when not in use."""
    openai_section: OpenAiSources | None = Field(default=None, alias="openai")
    """OpenAI's own API; left out when not in use."""
    fx_section: FxSource | None = Field(default=None, alias="fx")
    """Exchange rates and the reporting currency; left out where every bill is in USD."""

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The clouds that are configured."""
        sections = {"aws": self.aws_section, "gcp": self.gcp_section, "azure": self.azure_section}
        order: tuple[Provider, ...] = ("aws", "gcp", "azure")
        return tuple(provider for provider in order if sections[provider] is not None)

    @property
    def aws(self) -> AwsSources:
        """The AWS section. Raises ConfigError when it is not configured."""
        return self.aws_section or _absent("aws")

    @property
    def gcp(self) -> GcpSources:
        """The Google Cloud section. Raises ConfigError when it is not configured."""
        return self.gcp_section or _absent("gcp")

    @property
    def azure(self) -> AzureSources:
        """The Azure section. Raises ConfigError when it is not configured."""
        return self.azure_section or _absent("azure")

    @property
    def direct(self) -> tuple[str, ...]:
        """The sources besides the clouds that are configured."""
        sections = {
            "litellm": self.litellm_section,
            "otel_genai": self.otel_genai_section,
            "anthropic": self.anthropic_section,
            "openai": self.openai_section,
            "fx": self.fx_section,
        }
        return tuple(source for source, section in sections.items() if section is not None)

    @property
    def litellm(self) -> LitellmSources:
        """The LiteLLM section. Raises ConfigError when it is not configured."""
        return self.litellm_section or _absent("litellm")

    @property
    def otel_genai(self) -> OtelSources:
        """The OpenTelemetry section. Raises ConfigError when it is not configured."""
        return self.otel_genai_section or _absent("otel_genai")

    @property
    def anthropic(self) -> AnthropicSources:
        """The Anthropic section. Raises ConfigError when it is not configured."""
        return self.anthropic_section or _absent("anthropic")

    @property
    def openai(self) -> OpenAiSources:
        """The OpenAI section. Raises ConfigError when it is not configured."""
        return self.openai_section or _absent("openai")

    @property
    def fx(self) -> FxSource:
        """The section of exchange rates. Raises ConfigError when it is not configured."""
        return self.fx_section or _absent("fx")

    @property
    def reporting_currency(self) -> str:
        """The currency that totals are reported in besides USD."""
        return self.fx_section.reporting_currency if self.fx_section else "USD"


def load_sources(path: Path) -> SourcesConfig:
    """Read `sources.yml` at `path`. Raises ConfigError naming file, line and what is allowed."""
    return load_yaml(path, SourcesConfig)


def _absent(provider: str) -> NoReturn:
    raise ConfigError(
        f"sources.yml has no section '{provider}'.",
        f"Add '{provider}:' to sources.yml as docs/configuration.md shows, or leave it out of the run.",
    )


@dataclass(frozen=True)
class Configuration:
    """Every configuration file of one folder."""

    sources: SourcesConfig
    scope: ScopeConfig
    ownership: OwnershipConfig
    prices: PricesConfig
    budgets: BudgetsConfig


def load_configuration(config_dir: Path) -> Configuration:
    """Read all files of `config_dir` and check what they say of each other.

    Raises ConfigError naming file, line and what is allowed.
    """
    ownership = load_yaml(config_dir / "ownership.yml", OwnershipConfig)
    return Configuration(
        sources=load_sources(config_dir / "sources.yml"),
        scope=load_yaml(config_dir / "scope.yml", ScopeConfig),
        ownership=ownership,
        prices=load_yaml(config_dir / "prices.yml", PricesConfig),
        budgets=load_yaml(config_dir / "budgets.yml", BudgetsConfig, lambda budgets: budgets.check_names(ownership)),
    )
