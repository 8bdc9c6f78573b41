"""`inferledger ownership`: questions about who owns what, asked of a file before it is landed."""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.errors import ConfigError
from pipeline.cli_options import AsJson, Home, settings_for, tell_result

ownership = typer.Typer(no_args_is_help=True)
File = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="An ownership.yml, or the folder that holds it.")
]
_TITLES = {
    "coverage": "Coverage",
    "unallocated": "Largest unallocated things",
    "overlaps": "Rules of equal priority that name different teams",
    "dead_rules": "Rules that match nothing published",
    "unknown_teams": "Teams that only tags name",
    "gaps": "Days between two rules of one pattern",
    "rules_outside_their_team": "Rules on days without their team",
    "tag_keys": "Tag keys; those not declared are candidates",
    "moves": "What it would move",
    "moved_things": "Largest things that would move",
    "team_months": "What each team's months would change by, splits applied",
}
_SAY_THEMSELVES = ("thing", "charge_month", "provider", "attribution_method", "tag_key")
_DOLLARS = {"billed_cost_usd": "", "unallocated_cost_usd": " of it unallocated"}


@ownership.callback()
def options() -> None:
    """Who owns what, by ownership.yml.

    Example: inferledger ownership check --config ./config/ownership.yml
    """


@ownership.command()
def check(config: File = None, home: Home = None, as_json: AsJson = False) -> None:
    """Hold ownership.yml to its tests; tell coverage, overlaps, dead rules, and what it would move, in dollars.

    It is compared with what is published; nothing is changed. Exit code 1 when the file is refused or a test in it
    fails.

    Example: inferledger ownership check --config ./changed/ownership.yml --json
    """
    from ingest.landing import Landing
    from ingest.sources.config import SPLITS
    from pipeline.ownership_check import check_ownership
    from pipeline.paths import config_dir
    from pipeline.running import new_run

    given = config if config is not None else config_dir(settings_for(home, None))
    path = given / "ownership.yml" if given.is_dir() else given
    try:
        settings = settings_for(home, None)
        splits = Landing(settings.landing_root, new_run(settings)).read(SPLITS).select(SPLITS.schema.names).to_pylist()
        report = check_ownership(path, settings.published, splits)
    except ConfigError as error:
        if as_json:
            sys.stdout.write(json.dumps({"file": str(path), "error": error.message, "remedy": error.remedy}) + "\n")
        sys.stderr.write(f"inferledger: {error}\n")
        raise typer.Exit(1) from error
    found = report.as_json()
    tell_result(found, as_json, _told(found))


def _told(found: dict[str, Any]) -> str:
    lines = [f"{found['file']}: {found['rules']} rules, {found['tests_passed']} tests passed."]
    if not found["is_compared"]:
        lines.append("Nothing is published yet that it could be compared with; run `inferledger run` first.")
    for name, title in _TITLES.items():
        rows = found.get(name, [])
        lines += ["", f"{title}: {'none' if not rows else ''}".rstrip()]
        lines += [f"  {_line(row)}" for row in rows]
    if found["rows_without_dollars"]:
        lines.append(f"\n{found['rows_without_dollars']} days of things have no dollars: a rate is missing.")
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    """A finding in words: what it is about first, its dollars last."""
    plain = [
        str(value) if name in _SAY_THEMSELVES else f"{name.removesuffix('_id').replace('_', ' ')} {value}"
        for name, value in row.items()
        if value is not None and not name.endswith(("_usd", "_pct", "is_declared"))
    ]
    if row.get("is_declared") is False:
        plain.append("not declared")
    costs = [_dollars(row[name], suffix) for name, suffix in _DOLLARS.items() if name in row]
    share = [f"{row['share_pct']} %"] if row.get("share_pct") is not None else []
    return ", ".join([*plain, *costs, *share])


def _dollars(amount: Decimal | None, suffix: str) -> str:
    return f"USD {'unknown' if amount is None else f'{amount:,.2f}'}{suffix}"
