"""Doctor: is each source reachable, permitted, fresh and complete, and what does it cost to read."""

from collections.abc import Iterator, Sequence
from typing import cast

import duckdb

from ingest.checks import Aspect, Finding
from ingest.contracts import Context
from ingest.errors import ConfigError, InferledgerError
from ingest.registry import Checks, configured, modules
from ingest.run import Run
from ingest.settings import Settings
from pipeline.ingesting import Progress, no_progress, source_context

_PATIENCE_S = 5.0
_STATUS = """
    select source, account_id, watermark, complete_through, is_stale, message
    from source_status
    where source = ?
    order by account_id
"""


def examine(settings: Settings, run: Run, sources: Sequence[str], *, progress: Progress = no_progress) -> list[Finding]:
    """The findings of each of ``sources`` (none named: of all that are configured), in order.

    Raises:
        ConfigError: a source does not exist, or `sources.yml` is wrong.
    """
    # a doctor that waits out the budget of a nightly load for each call is no help
    hurried = settings.model_copy(update={"retry_budget_seconds": min(settings.retry_budget_seconds, _PATIENCE_S)})
    context = source_context(hurried, run)
    wanted = list(sources) or _configured(context)
    if not wanted:
        raise ConfigError("No source is configured.", "Add a cloud or a gateway to sources.yml.")
    findings: list[Finding] = []
    for number, source in enumerate(wanted):
        progress("doctor", number, len(wanted))
        for module in modules(source):
            if hasattr(module, "check"):
                findings += _tried(source, cast(Checks, module), context)
        findings += _landed(settings, source)
    progress("doctor", len(wanted), len(wanted))
    return findings


def _configured(context: Context) -> list[str]:
    return [source for sources in configured(context.config).values() for source in sources]


def _tried(source: str, module: Checks, context: Context) -> Iterator[Finding]:
    """The source's own findings; one that cannot even begin is a finding too."""
    try:
        yield from module.check(context)
    except InferledgerError as error:
        yield Finding(source, "", "reachable", "fail", error.message, error.remedy)


def _landed(settings: Settings, source: str) -> Iterator[Finding]:
    """How fresh and complete the published numbers of a source are."""
    if not settings.published.exists():
        yield Finding(source, "", "fresh", "warn", "Nothing is published yet.", "Run `inferledger run`.")
        return
    with duckdb.connect(settings.published, read_only=True) as connection:
        rows = connection.execute(_STATUS, [source]).fetchall()
    if not rows:
        yield Finding(
            source, "", "fresh", "warn", "The source has landed nothing yet.", f"Run `inferledger ingest {source}`."
        )
    for _, account, watermark, complete_through, is_stale, message in rows:
        reach = f"usage is known up to {watermark:%Y-%m-%d %H:%M} UTC" if watermark else "no usage was seen yet"
        remedy = "Look at the last run's outcome on Data health." if is_stale else ""
        yield Finding(source, account or "", "fresh", "fail" if is_stale else "ok", f"{reach}.", remedy)
        whole = f"whole days up to {complete_through}" if complete_through else "no day is known to be whole"
        yield _complete(source, account or "", whole, message)


def _complete(source: str, account: str, whole: str, message: str | None) -> Finding:
    aspect: Aspect = "complete"
    return Finding(source, account, aspect, "warn" if message else "ok", f"{whole}. {message or ''}".strip())


def as_text(findings: Sequence[Finding]) -> str:
    """The findings for people: a line each, with its remedy below."""
    width = max(len(f"{finding.source} {finding.account}") for finding in findings)
    lines: list[str] = []
    for finding in findings:
        place = f"{finding.source} {finding.account}".ljust(width)
        lines.append(f"{finding.status:<4}  {place}  {finding.aspect:<10}  {finding.message}")
        if finding.remedy:
            lines.append(f"{'':6}{'':{width}}  {'':10}  -> {finding.remedy}")
    failed = sum(finding.status == "fail" for finding in findings)
    return "\n".join([*lines, f"{len(findings)} checks, {failed} failed."])
