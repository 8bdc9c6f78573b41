"""A team's statement of one month, as data: from the closed month, or as a draft from the published file.

Amounts are sums of `fct_statement_line`, whose lines tie to the totals of the bill; a closed month's lines are read
from its folder and are refused when they are not what its manifest says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ingest.errors import ConfigError, TerminalError
from ingest.settings import Settings
from pipeline.closed_check import require_as_closed
from pipeline.closed_home import closed_root, month_name
from pipeline.closed_manifest import read_manifest, sha256
from pipeline.closed_tables import open_published, quoted, records

SHARED_METHODS = ("gateway_share", "capacity_share", "rule")
_LINE = """
    provider, billing_account_id, team, product, model, charge_category, pricing_category, attribution_method,
    attribution_evidence, attribution_confidence, split_from_team, split_path, cost_status, billing_currency,
    billed_cost, effective_cost, list_cost, consumed_tokens
"""
LINE_COLUMNS = tuple(name.strip() for name in _LINE.split(","))
_DRAFTS = "from fct_statement_line where billing_month = ? and statement_status = 'draft'"
_TEAMS = """
select team, any_value(team_name order by valid_from desc) as team_name,
    any_value(cost_center order by valid_from desc) as cost_center
from {table} where valid_from < ? and (valid_to is null or valid_to > ?) group by team
"""


@dataclass(frozen=True)
class Month:
    """All statement lines of a month, and where they come from. `manifest_hash` is None for a draft."""

    month: date
    lines: list[dict[str, Any]]
    teams: dict[str, dict[str, Any]]
    closed_by: str | None = None
    closed_as_of: str | None = None
    revision: int | None = None
    manifest_hash: str | None = None
    remark: str | None = None

    @property
    def is_draft(self) -> bool:
        """Whether the month is not closed, so that its numbers may still move."""
        return self.manifest_hash is None


@dataclass(frozen=True)
class Statement:
    """One team's lines of a month, and its billed cost of the month before by currency."""

    month: Month
    team: str
    team_name: str
    cost_center: str | None
    lines: list[dict[str, Any]]
    before: dict[str, Decimal]

    @property
    def currencies(self) -> list[str]:
        """The currencies the team was billed in, largest first; no amount is added to one of another."""
        totals = {line["billing_currency"]: Decimal(0) for line in self.lines}
        for line in self.lines:
            totals[line["billing_currency"]] += abs(line["billed_cost"] or Decimal(0))
        return sorted(totals, key=lambda currency: (-totals[currency], currency))

    def billed(self, currency: str) -> list[dict[str, Any]]:
        """The lines that are on the bill, in one currency."""
        return [
            line for line in self.lines if line["billing_currency"] == currency and line["cost_status"] != "estimate"
        ]

    def estimated(self, currency: str) -> list[dict[str, Any]]:
        """The lines that are used and not billed yet; in no total."""
        return [
            line for line in self.lines if line["billing_currency"] == currency and line["cost_status"] == "estimate"
        ]


def total(lines: list[dict[str, Any]], measure: str = "billed_cost") -> Decimal:
    """The sum of what is known of a measure."""
    return sum((line[measure] for line in lines if line[measure] is not None), Decimal(0))


def grouped(lines: list[dict[str, Any]], *names: str) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Lines by the values of some columns, the group that cost most first."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault(tuple(line[name] for name in names), []).append(line)
    return sorted(groups.items(), key=lambda group: (-abs(total(group[1])), str(group[0])))


def statements(settings: Settings, month: date, team: str | None = None) -> Iterator[Statement]:
    """The statements of a month, one per team in order of name, or one team's.

    Raises:
        ConfigError: no such team was billed in the month.
        TerminalError: nothing is known of the month, or a closed month does not tie to its manifest.
    """
    now, before = read_month(settings, month), read_month(settings, _month_before(month))
    if not now.lines:
        raise TerminalError(f"Nothing was billed in {month_name(month)}.", "Check the month, or run `inferledger run`.")
    teams = sorted({line["team"] for line in now.lines})
    if team is not None and team not in teams:
        raise ConfigError(f"No team {team!r} was billed in {month_name(month)}.", f"Use one of: {', '.join(teams)}.")
    for name in [team] if team is not None else teams:
        known = now.teams.get(name, {})
        own = [line for line in now.lines if line["team"] == name]
        sums: dict[str, Decimal] = {}
        for line in before.lines:
            if line["team"] == name and line["billed_cost"] is not None:
                currency = line["billing_currency"]
                sums[currency] = sums.get(currency, Decimal(0)) + line["billed_cost"]
        yield Statement(now, name, known.get("team_name") or name, known.get("cost_center"), own, sums)


def read_month(settings: Settings, month: date) -> Month:
    """A month's lines: as closed where it is closed, else as published."""
    folder = closed_root(settings.home) / month_name(month)
    manifest = read_manifest(folder)
    if manifest is not None:
        require_as_closed(settings, folder, manifest, ("statement_lines", "teams"))
        return _read_closed(folder, manifest, month)
    if not settings.published.exists():
        raise TerminalError("Nothing is published yet.", "Run `inferledger run` first.")
    with open_published(settings.published) as connection:
        lines = records(connection, f"select {_LINE} {_DRAFTS} order by all", month)
        return Month(month, lines, _teams(connection, "dim_team", month))


def _read_closed(folder: Path, manifest: dict[str, Any], month: date) -> Month:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        table = f"'{quoted(folder / 'statement_lines.parquet')}'"
        lines = records(connection, f"select {_LINE} from {table} order by all")
        teams = _teams(connection, f"'{quoted(folder / 'teams.parquet')}'", month)
    _require_tied(lines, manifest)
    return Month(
        month,
        lines,
        teams,
        manifest["closed_by"],
        manifest["closed_as_of"],
        manifest["revision"],
        sha256((folder / "manifest.json").read_text()),
        manifest["reopened_because"] or manifest["accepted_provisional"],
    )


def _require_tied(lines: list[dict[str, Any]], manifest: dict[str, Any]) -> None:
    """Refuse lines that do not sum to the manifest's totals, each account and currency for itself."""
    key = ("provider", "billing_account_id", "billing_currency")
    billed = [line for line in lines if line["cost_status"] != "estimate"]
    stated = {names: total(group) for names, group in grouped(billed, *key)}
    told = {tuple(row[name] for name in key): Decimal(row["mart_cost"]) for row in manifest["totals"]}
    for names in stated.keys() | told.keys():
        if stated.get(names, Decimal(0)) != told.get(names, Decimal(0)):
            raise TerminalError(
                f"The statements of {manifest['month']} do not tie to its manifest: {' '.join(map(str, names))}.",
                "Restore the folder from a backup.",
            )


def _teams(connection: duckdb.DuckDBPyConnection, table: str, month: date) -> dict[str, dict[str, Any]]:
    rows = records(connection, _TEAMS.format(table=table), _month_after(month), month)
    return {row["team"]: row for row in rows}


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _month_after(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
