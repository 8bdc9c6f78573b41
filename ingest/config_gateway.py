"""The sections `litellm`, `otel_genai`, `anthropic` and `openai` of `sources.yml`: gateways, traces and direct APIs.

Secrets are not here: a section names the environment variable that holds one.
"""

from typing import Annotated

from pydantic import Field, model_validator

from ingest.yaml_config import StrictModel, Text, refuse_repeats

EnvironmentVariable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SqlName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class LogLocation(StrictModel):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """The name people know the log by; its rows land under it."""
    path: Text
    """Where the files lie: a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix. A relative folder
    is looked for from the home."""


class LitellmDatabase(StrictModel):
    url_env: EnvironmentVariable = "LITELLM_DATABASE_URL"
    """Environment variable that holds the PostgreSQL URL of a read-only role."""
    db_schema: Annotated[SqlName, Field(alias="schema")] = "public"
    """Schema of the table."""
    table: SqlName = "LiteLLM_SpendLogs"
    """The spend log table."""


class LitellmSources(StrictModel):
    logs: tuple[LogLocation, ...] = ()
    """Where the proxy's S3 or GCS logger writes."""
    database: LitellmDatabase | None = None
    """The proxy's database; a request that a log file holds as well counts once."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "LitellmSources":
        refuse_repeats([log.name for log in self.logs], "logs", "name")
        return self


class OtelSources(StrictModel):
    logs: tuple[LogLocation, ...] = Field(min_length=1)
    """Where the collector's file or object exporter writes OTLP JSON."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "OtelSources":
        refuse_repeats([log.name for log in self.logs], "logs", "name")
        return self


class AnthropicSources(StrictModel):
    organization_id: Text
    """Organisation that is invoiced, as the console shows it."""
    admin_key_env: EnvironmentVariable = "ANTHROPIC_ADMIN_KEY"
    """Environment variable that holds the admin key."""


class OpenAiSources(StrictModel):
    organization_id: Text
    """Organisation that is invoiced, as the platform's settings show it."""
    admin_key_env: EnvironmentVariable = "OPENAI_ADMIN_KEY"
    """Environment variable that holds the admin key."""
