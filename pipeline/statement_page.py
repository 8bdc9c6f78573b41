"""What a statement says, as blocks that both HTML and PDF lay out: facts, tables and notes, amounts to the cent."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from pipeline.closed_home import month_name
from pipeline.statement import SHARED_METHODS, Statement, grouped, total

PROVIDERS = {
    "aws": "AWS Bedrock",
    "gcp": "Google Vertex AI",
    "azure": "Azure OpenAI",
    "anthropic": "Anthropic",
    "openai": "OpenAI",
}
METHODS = {
    "profile_tag": "tag of the inference profile",
    "request_label": "label sent with the request",
    "resource_tag": "tag of the resource",
    "deployment_tag": "tag of the deployment",
    "gateway_share": "share of a shared deployment, by gateway logs",
    "capacity_share": "share of bought capacity, by hourly use",
    "principal": "identity that called",
    "owner": "owner of the account or project",
    "rule": "split that the organisation decided",
    "unallocated": "no evidence",
}
TREATMENTS = {
    "Usage": "usage, as billed",
    "Purchase": "commitment bought, whole on its invoice",
    "Tax": "tax, where the provider states it",
    "Credit": "credit, taken off",
    "Adjustment": "correction by the provider",
}
UNALLOCATED = (
    "No tag, label, log or owner rule gives this spend to a team. It is not spread over the teams: a tag on the "
    "resource or a rule in ownership.yml places it."
)
ROUNDING = "Amounts are rounded to the cent one by one; the CSV holds every digit."


@dataclass(frozen=True)
class Table:
    """A table: the last `numbers` columns are aligned right; `last` is its total row."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: int = 1
    last: Sequence[str] | None = None
    note: str | None = None


@dataclass(frozen=True)
class StatementPage:
    """A statement as it is laid out."""

    title: str
    subtitle: str
    mark: str | None
    facts: Sequence[tuple[str, str]]
    sections: Sequence[tuple[str, Sequence[Table]]]
    notes: Sequence[str]


def money(amount: Decimal | None, *, signed: bool = False) -> str:
    """``1,234.56``; unknown stays the word."""
    if amount is None:
        return "unknown"
    rounded = amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return f"{rounded + 0:{'+' if signed else ''},.2f}"


def share(part: Decimal, whole: Decimal) -> str:
    """``12.3 %`` of the whole, nothing where the whole is nothing."""
    return f"{part / whole * 100:.1f} %" if whole else ""


def statement_page(statement: Statement) -> StatementPage:
    """Lay out a statement."""
    month = statement.month
    facts = [
        ("Team", statement.team_name),
        ("Cost centre", statement.cost_center or "none declared"),
        ("Invoice month", month_name(month.month)),
        ("Currency", ", ".join(statement.currencies)),
    ]
    if month.is_draft:
        facts.append(("Status", "DRAFT: the month is not closed, its numbers may still move"))
    else:
        facts += [
            ("Status", f"closed by {month.closed_by} as of {month.closed_as_of}, revision {month.revision}"),
            ("Manifest (SHA-256)", month.manifest_hash or ""),
        ]
        if month.remark:
            facts.append(("Remark", month.remark))
    notes = [ROUNDING, "Totals of different currencies are never added."]
    if statement.team == "unallocated":
        notes.insert(0, UNALLOCATED)
    return StatementPage(
        f"Statement of {statement.team_name}",
        f"AI spend billed for {month.month:%B %Y}",
        "DRAFT" if month.is_draft else None,
        facts,
        [(currency, _tables(statement, currency)) for currency in statement.currencies],
        notes,
    )


def _tables(statement: Statement, currency: str) -> list[Table]:
    lines = statement.billed(currency)
    tables = [_summary(statement, currency)]
    if lines:
        title = "Why it is nobody's" if statement.team == "unallocated" else "How we know that it is this team's"
        tables += [_usage(lines, currency), _treatments(lines, currency), _provenance(lines, currency, title)]
        tables += [table for table in (_allocations(lines, currency),) if table.rows]
    return tables


def _summary(statement: Statement, currency: str) -> Table:
    lines, before = statement.billed(currency), statement.before.get(currency)
    whole = total(lines)
    rows: list[list[str]] = [
        [f"of it {status}", money(total(group))]
        for status in ("final", "provisional")
        if (group := [line for line in lines if line["cost_status"] == status])
    ]
    rows.append(["month before", "none" if before is None else money(before)])
    if before is not None:
        rows.append(["change", money(whole - before, signed=True)])
    if estimated := statement.estimated(currency):
        rows.append(["used, not billed yet (estimate, not in the total)", money(total(estimated, "effective_cost"))])
    return Table("Summary", ["", f"Billed, {currency}"], [["Total billed", money(whole)], *rows])


def _usage(lines: list[dict[str, Any]], currency: str) -> Table:
    rows: list[list[str]] = []
    for (provider, product, model), group in grouped(lines, "provider", "product", "model"):
        tokens = total(group, "consumed_tokens")
        rows.append(
            [
                str(PROVIDERS.get(provider, provider)),
                str(product or "not named"),
                str(model or "not counted in tokens"),
                f"{tokens / 1_000_000:,.1f}" if tokens else "",
                money(total(group)),
            ]
        )
    return Table(
        "By provider, product and model",
        ["Provider", "Product", "Model", "Tokens, M", f"Billed, {currency}"],
        rows,
        numbers=2,
        last=["Total", "", "", "", money(total(lines))],
    )


def _treatments(lines: list[dict[str, Any]], currency: str) -> Table:
    rows: list[list[str]] = [
        [
            str(category),
            str(TREATMENTS.get(category, category)),
            str(PROVIDERS.get(provider, provider)),
            money(total(group)),
        ]
        for (category, provider), group in grouped(lines, "charge_category", "provider")
    ]
    return Table(
        "Usage, purchases, credits and tax",
        ["Kind", "How it is treated", "Provider", f"Billed, {currency}"],
        rows,
        last=["Total", "", "", money(total(lines))],
    )


def _provenance(lines: list[dict[str, Any]], currency: str, title: str) -> Table:
    whole = total(lines)
    rows = [
        [
            str(METHODS.get(method, method)),
            str(evidence or ""),
            str(confidence or "none"),
            share(total(group), whole),
            money(total(group)),
        ]
        for (method, evidence, confidence), group in grouped(
            lines, "attribution_method", "attribution_evidence", "attribution_confidence"
        )
    ]
    return Table(
        title,
        ["Method", "Evidence", "Confidence", "Share", f"Billed, {currency}"],
        rows,
        numbers=2,
        last=["Total", "", "", "", money(whole)],
    )


def _allocations(lines: list[dict[str, Any]], currency: str) -> Table:
    shared = [line for line in lines if line["attribution_method"] in SHARED_METHODS or line["split_path"]]
    rows = [
        [
            str(METHODS.get(method, method)),
            str(origin or "shared"),
            str(path or evidence or ""),
            str(PROVIDERS.get(provider, provider)),
            money(total(group)),
        ]
        for (method, origin, path, evidence, provider), group in grouped(
            shared, "attribution_method", "split_from_team", "split_path", "attribution_evidence", "provider"
        )
    ]
    return Table(
        "Of it allocated from shared cost",
        ["How", "From", "Split or log", "Provider", f"Billed, {currency}"],
        rows,
        last=["Total", "", "", "", money(total(shared))],
    )
