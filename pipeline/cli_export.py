"""The commands that write what is published as files for other tools."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_options import AsJson, Config, Home, progress_bars, settings_for, tell_result

export = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


class Format(enum.StrEnum):
    """The forms of an exported file."""

    PARQUET = "parquet"
    CSV = "csv"


@export.callback()
def options() -> None:
    """Write what is published as files for other tools.

    Example: inferledger export focus --month 2026-10 --format csv --out ./focus
    """


@export.command()
def focus(
    month: Annotated[
        str | None, typer.Option("--month", help="Invoice month, YYYY-MM; all of them when left out.")
    ] = None,
    file_format: Annotated[Format | None, typer.Option("--format", help="One of the two; both when left out.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the files; `exports` in the home when left out."),
    ] = None,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the billed AI spend in the columns of FOCUS 1.2, as Parquet and CSV.

    Example: inferledger export focus --month 2026-10 --format parquet --out ./focus
    """
    from pipeline.exporting import FORMATS, export_focus

    formats = FORMATS if file_format is None else (file_format.value,)
    with progress_bars() as tell:
        result = export_focus(settings_for(home, config), month=month, formats=formats, out=out, progress=tell)
    summary = {
        "files": [str(path) for path in result.files],
        "rows": result.rows,
        "months": [f"{first:%Y-%m}" for first in result.months],
        "billed_cost": {currency: str(cost) for currency, cost in result.billed_cost.items()},
        "as_of": f"{result.as_of:%Y-%m-%dT%H:%M:%SZ}",
    }
    billed = ", ".join(f"{cost:,.2f} {currency}" for currency, cost in result.billed_cost.items())
    names = " and ".join(summary["files"])
    tell_result(summary, as_json, f"{result.rows:,} charges, {billed} billed, written to {names}.")
