"""Configuration as data: scope, owners, splits, tag keys and budgets land as Parquet, read by dbt like any source.

Inputs: `scope.yml`, `ownership.yml`, `budgets.yml` and the reporting currency of `sources.yml`. Every load replaces the
whole of every stream: there is one window, all of time, and `window` is not looked at. A rule that is taken out of the
file is gone with the next load; to end an ownership, close it with `valid_to` instead.
Run alone: `inferledger ingest config`.
"""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
from pydantic import BaseModel

from ingest.config import Configuration, load_configuration
from ingest.config_fields import plain_field
from ingest.config_ownership import OwnershipConfig
from ingest.config_splits import Split, chain_levels
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import ConfigError
from ingest.run import Window, day_start

SOURCE = "config"
ALL_TIME = Window(day_start(date(1970, 1, 1)), day_start(date(2100, 1, 1)))
Rows = list[dict[str, object]]


def _row(model: BaseModel, *without: str, **columns: object) -> dict[str, object]:
    """The fields of ``model`` but ``without``, and ``columns``."""
    return model.model_dump(exclude=set(without)) | columns


def _stream(name: str, required: tuple[str, ...], **fields: pa.DataType) -> StreamContract:
    schema = pa.schema([pa.field(field, kind) for field, kind in fields.items()])
    return StreamContract(SOURCE, name, schema, required, empty_ok=True, may_shrink=True)


_TEXT, _DAY, _COUNT = pa.string(), pa.date32(), pa.int32()
OWNERSHIP_RULES = _stream(
    "ownership_rules",
    ("rule_id", "priority", "provider", "field", "pattern", "team", "valid_from"),
    rule_id=_TEXT,
    priority=_COUNT,
    provider=_TEXT,
    field=_TEXT,
    pattern=_TEXT,
    team=_TEXT,
    product=_TEXT,
    environment=_TEXT,
    valid_from=_DAY,
    valid_to=_DAY,
)
SCOPE_RULES = _stream(
    "scope_rules",
    ("rule_id", "priority", "provider", "field", "pattern", "is_in_scope", "category"),
    rule_id=_TEXT,
    priority=_COUNT,
    provider=_TEXT,
    field=_TEXT,
    pattern=_TEXT,
    is_in_scope=pa.bool_(),
    category=_TEXT,
)
BUDGETS = _stream(
    "budgets",
    ("budget_id", "team", "monthly_amount", "currency", "cost_basis", "valid_from"),
    budget_id=_TEXT,
    team=_TEXT,
    product=_TEXT,
    monthly_amount=_TEXT,
    currency=_TEXT,
    cost_basis=_TEXT,
    warn_at_pct=_COUNT,
    valid_from=_DAY,
    valid_to=_DAY,
)
TAG_SYNONYMS = _stream("tag_synonyms", ("canonical", "key", "position"), canonical=_TEXT, key=_TEXT, position=_COUNT)
TEAMS = _stream(
    "teams",
    ("team", "team_name", "valid_from"),
    team=_TEXT,
    team_name=_TEXT,
    cost_center=_TEXT,
    contact=_TEXT,
    valid_from=_DAY,
    valid_to=_DAY,
)
PRODUCTS = _stream(
    "products",
    ("product", "team", "valid_from"),
    product=_TEXT,
    product_name=_TEXT,
    team=_TEXT,
    valid_from=_DAY,
    valid_to=_DAY,
)
ENVIRONMENTS = _stream("environments", ("environment",), environment=_TEXT, environment_name=_TEXT)
COST_CENTERS = _stream(
    "cost_centers",
    ("cost_center", "cost_center_name", "valid_from"),
    cost_center=_TEXT,
    cost_center_name=_TEXT,
    valid_from=_DAY,
    valid_to=_DAY,
)
SPLITS = _stream(
    "splits",
    ("split_id", "priority", "field", "pattern", "team", "basis", "valid_from", "chain_level"),
    split_id=_TEXT,
    priority=_COUNT,
    provider=_TEXT,
    field=_TEXT,
    pattern=_TEXT,
    team=_TEXT,
    product=_TEXT,
    basis=_TEXT,
    share=_TEXT,
    valid_from=_DAY,
    valid_to=_DAY,
    chain_level=_COUNT,
)
REPORTING = _stream("reporting", ("reporting_currency",), reporting_currency=_TEXT)
STREAMS = (
    OWNERSHIP_RULES,
    SCOPE_RULES,
    BUDGETS,
    TAG_SYNONYMS,
    TEAMS,
    PRODUCTS,
    ENVIRONMENTS,
    COST_CENTERS,
    SPLITS,
    REPORTING,
)


def load(context: Context, window: Window | None) -> list[LoadResult]:  # noqa: ARG001 - configuration has no window
    """Land every stream of this source whole.

    Raises:
        ConfigError: a file is wrong; names file, line and what is allowed.
    """
    if context.settings.config_dir is None:
        raise ConfigError("No configuration folder is known.", "Give --config DIR or set INFERLEDGER_CONFIG_DIR.")
    rows = config_rows(load_configuration(context.settings.config_dir))
    results: list[LoadResult] = []
    for done, (contract, records) in enumerate(rows, start=1):
        table = pa.Table.from_pylist(records, schema=contract.schema)
        results.append(context.landing.write(contract, scope="all", window=ALL_TIME, batches=[table]))
        context.progress(SOURCE, done, len(rows))
    context.landing.report(SOURCE, "all", None)
    return results


def config_rows(config: Configuration) -> list[tuple[StreamContract, Rows]]:
    """The rows of every stream, in file order; amounts and shares as text."""
    scope: Rows = [
        _row(rule, "id", "in_scope", rule_id=rule.id, is_in_scope=rule.in_scope) for rule in config.scope.rules
    ]
    budgets: Rows = [
        _row(budget, "id", budget_id=budget.id, monthly_amount=f"{budget.monthly_amount:f}")
        for budget in config.budgets.budgets
    ]
    reporting: Rows = [{"reporting_currency": config.sources.reporting_currency}]
    return [(SCOPE_RULES, scope), (BUDGETS, budgets), *ownership_rows(config.ownership), (REPORTING, reporting)]


def ownership_rows(ownership: OwnershipConfig) -> list[tuple[StreamContract, Rows]]:
    """The rows of every stream that `ownership.yml` alone says, in file order."""
    meanings: dict[str, tuple[str, ...]] = ownership.tag_synonyms.model_dump()
    synonyms: Rows = [
        {"canonical": canonical, "key": key, "position": position}
        for canonical, keys in meanings.items()
        for position, key in enumerate(keys, start=1)
    ]
    return [
        (
            OWNERSHIP_RULES,
            [_row(rule, "id", rule_id=rule.id, field=plain_field(rule.field)) for rule in ownership.rules],
        ),
        (TAG_SYNONYMS, synonyms),
        (TEAMS, [_row(team, "id", "name", team=team.id, team_name=team.name) for team in ownership.teams]),
        (PRODUCTS, [_row(one, "id", "name", product=one.id, product_name=one.name) for one in ownership.products]),
        (ENVIRONMENTS, [{"environment": one.id, "environment_name": one.name} for one in ownership.environments]),
        (
            COST_CENTERS,
            [_row(one, "id", "name", cost_center=one.id, cost_center_name=one.name) for one in ownership.cost_centers],
        ),
        (SPLITS, _split_rows(ownership.splits)),
    ]


def _split_rows(splits: Sequence[Split]) -> Rows:
    """One row per split and team that bears a part of it."""
    levels = chain_levels(splits)
    return [
        {
            "split_id": split.id,
            "priority": split.priority,
            "provider": split.source[0],
            "field": plain_field(split.source[1]),
            "pattern": split.source[2],
            "team": target.team,
            "product": target.product,
            "basis": split.basis,
            "share": None if target.share is None else f"{target.share:f}",
            "valid_from": split.valid_from,
            "valid_to": split.valid_to,
            "chain_level": levels[split.id],
        }
        for split in splits
        for target in split.to
    ]
