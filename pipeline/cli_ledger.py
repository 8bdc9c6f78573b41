"""The commands of the ledger: close a month, tell what moved since, write its statements."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli_options import AsJson, Config, Home, settings_for, tell_result

if TYPE_CHECKING:
    from pipeline.closing import Closing

Month = Annotated[str, typer.Argument(metavar="MONTH", help="Invoice month, such as 2026-10.")]


def close(
    month: Month,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who closes it; this user by default.")] = None,
    accept_provisional: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Close although a provider may still change it; the reason is kept."),
    ] = None,
    reopen: Annotated[
        str | None, typer.Option(metavar="REASON", help="Freeze a closed month anew; the earlier revision is kept.")
    ] = None,
    invoice: Annotated[
        list[str] | None, typer.Option(metavar="ACCOUNT=AMOUNT", help="What an account's invoice says, as printed.")
    ] = None,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Freeze a month that is over, final and tied to the bill: inputs by hash, totals, who and when.

    Closing it again without change does nothing.

    Example: inferledger close 2026-10 --by "Ada, finance" --invoice 8611537=1234.56
    """
    from pipeline.closing import close_month, parse_month
    from pipeline.closing_checks import parse_invoices
    from pipeline.running import new_run

    settings = settings_for(home, config)
    done = close_month(
        settings,
        new_run(settings),
        parse_month(month),
        by=by or getpass.getuser(),
        accept_provisional=accept_provisional,
        reopen=reopen,
        invoices=parse_invoices(invoice or []),
    )
    totals = "".join(
        f"\n  {total['provider']} {total['billing_account_id']}: {total['mart_cost']} {total['billing_currency']}"
        for total in done.totals
    )
    result = vars(done) | {"month": month, "manifest": str(done.manifest)}
    told = f"{_outcome(month, done)} Manifest {done.manifest_hash} in {done.manifest.parent}.{totals}"
    tell_result(result, as_json, told)


def _outcome(month: str, done: "Closing") -> str:
    text = {
        "closed": f"{month} is closed as revision {done.revision}.",
        "reopened": f"{month} is closed anew as revision {done.revision}; the earlier one is kept.",
        "identical": f"{month} is closed already (revision {done.revision}), and its numbers are identical.",
    }[done.outcome]
    if done.changed_inputs:
        text += f" {done.changed_inputs} landed files differ from those of the earlier close."
    return text


def restatement(
    month: Month,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the movements as CSV.")] = None,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say how far a closed month has moved since, by team and provider, and why. The causes sum to the movement.

    Example: inferledger restatement 2026-10 --json
    """
    from pipeline import restating
    from pipeline.closing import parse_month

    report = restating.restatement(settings_for(home, config), parse_month(month))
    if out is not None:
        restating.write_csv(report, out)
    tell_result(restating.as_plain(report), as_json, restating.as_text(report))


def report(
    month: Month,
    team: Annotated[str | None, typer.Option("--team", help="One team's statement; all teams when left out.")] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="csv, html or pdf; may be given again. All when left out.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder; reports/MONTH of the home.")] = None,
    home: Home = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the statement of each team: from the closed month, or as a draft while it is open.

    Example: inferledger report 2026-10 --team support --format pdf --out ./statements
    """
    from pipeline.closing import parse_month
    from pipeline.reporting import FORMATS, write_statements

    settings = settings_for(home, config)
    wanted = tuple(formats) if formats else FORMATS
    files = write_statements(settings, parse_month(month), team=team, formats=wanted, out=out)
    text = f"{len(files)} statements written to {files[0].parent}."
    tell_result({"month": month, "files": [str(path) for path in files]}, as_json, text)
