"""Settings from the environment (prefix ``INFERLEDGER_``) and ``.env``; secrets stay with each cloud's own chain."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest.errors import ConfigError

_ENDPOINTS = (
    "aws_endpoint_url",
    "aws_s3_endpoint_url",
    "gcp_bigquery_endpoint",
    "gcp_bigquery_storage_endpoint",
    "gcp_monitoring_endpoint",
    "gcp_logging_endpoint",
    "gcp_storage_endpoint",
    "azure_arm_endpoint",
    "azure_metrics_endpoint",
    "azure_logs_endpoint",
    "azure_authority_host",
    "anthropic_endpoint",
    "openai_endpoint",
    "fx_endpoint",
)


class Settings(BaseSettings):
    """Where things are. Every endpoint is None for the real cloud; the demo sets them to its local ones.

    ``as_of`` replaces the wall clock for the whole run (aware, or read as UTC).
    ``backfill_days`` replaces that of `sources.yml`.
    """

    model_config = SettingsConfigDict(env_prefix="INFERLEDGER_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Path(".inferledger")
    config_dir: Path | None = None
    state_url: str | None = None
    as_of: datetime | None = None
    dashboard_url: str = "http://127.0.0.1:8501"
    backfill_days: int | None = Field(default=None, ge=1, le=1100)
    retry_budget_seconds: float = Field(default=300.0, gt=0)

    aws_endpoint_url: str | None = None
    aws_s3_endpoint_url: str | None = None
    gcp_bigquery_endpoint: str | None = None
    gcp_bigquery_storage_endpoint: str | None = None
    gcp_monitoring_endpoint: str | None = None
    gcp_logging_endpoint: str | None = None
    gcp_storage_endpoint: str | None = None
    azure_arm_endpoint: str | None = None
    azure_metrics_endpoint: str | None = None
    azure_logs_endpoint: str | None = None
    azure_blob_connection_string: str | None = None
    azure_authority_host: str | None = None
    azure_ca_bundle: Path | None = None
    # how much faster than Azure's a local stand-in refills the budget of cost queries
    azure_qpu_speed: float = Field(default=1.0, gt=0)
    anthropic_endpoint: str | None = None
    openai_endpoint: str | None = None
    fx_endpoint: str | None = None

    @field_validator("home")
    @classmethod
    def _usable(cls, home: Path) -> Path:
        if "," in str(home.absolute()):
            raise ValueError("the folder's path must not hold a comma, which DuckDB reads as the end of a path")
        if home.exists() and not home.is_dir():
            raise ValueError("it is a file, and the home is a folder")
        return home

    @field_validator("as_of")
    @classmethod
    def _aware(cls, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    @field_validator(*_ENDPOINTS)
    @classmethod
    def _has_host(cls, url: str | None) -> str | None:
        if url is not None and not (urlsplit(url).hostname or ":" in url):
            raise ValueError("needs a URL such as https://host:port, or host:port")
        return url

    @property
    def landing_root(self) -> str:
        """Folder that holds landing."""
        return str(self.home / "landing")

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that dbt builds."""
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The finished file that dashboard and alerts read."""
        return self.home / "published" / "inferledger.duckdb"

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the state store."""
        return self.state_url or f"sqlite:///{(self.home / 'state.sqlite').resolve()}"


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with ``overrides`` on top.

    Raises:
        ConfigError: a value is wrong; names the environment variable and what was found.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("home",):
            why = str(first["msg"]).removeprefix("Value error, ")
            raise ConfigError(
                f"The home {str(first.get('input'))!r} cannot be used: {why}.",
                "Choose another one with --home or INFERLEDGER_HOME.",
            ) from error
        name = "INFERLEDGER_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(
            f"{name}={first.get('input')!r} is wrong: {first['msg']}.", f"Correct or unset {name}."
        ) from error
