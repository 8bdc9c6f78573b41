"""The commands about metered tokens against the bill."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_options import AsJson, Config, Home, settings_for, tell_result

reconcile = typer.Typer(
    no_args_is_help=True,
    help="Metered tokens against the bill.\n\nExample: inferledger reconcile evidence --month 2026-10",
    rich_markup_mode=None,
)


@reconcile.callback()
def _group() -> None:
    """Keep `evidence` a command of its own."""


@reconcile.command()
def evidence(
    month: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m"], help="Month of usage; all when left out.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the two files.")] = Path(),
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write what providers charged too much: rows, prices and arithmetic as CSV, and a report in Markdown.

    Example: inferledger reconcile evidence --month 2026-10 --out ./evidence
    """
    from pipeline.reconciling import write_evidence

    settings = settings_for(home, config)
    found = write_evidence(settings.published, out, month.date() if month else None)
    summary = {
        "rows": found.rows,
        "overcharge_usd": str(found.overcharge_usd),
        "csv": str(found.table),
        "markdown": str(found.report),
    }
    tell_result(
        summary,
        as_json,
        f"{found.rows} charges are {found.overcharge_usd:,.2f} USD too high: {found.table} and {found.report}.",
    )
