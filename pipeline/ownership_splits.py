"""What the splits of an `ownership.yml` do to the months of teams, with the macro that the dbt models split with."""

from typing import Any

import duckdb
import pyarrow as pa

from ingest.sources.config import SPLITS
from pipeline.ownership_rules import render, render_model

Rows = list[dict[str, Any]]
# what the macro divides and names besides the dollars: nobody asks for it here
_AMOUNTS = ("billed_cost", "effective_cost", "list_cost", "effective_cost_usd", "pricing_quantity", "allocated_ratio")
_WORDS = ("product", "attribution_method", "attribution_evidence", "split_path", "split_from_team")
_CHANGES = """
select strftime(charge_date, '%Y-%m') as charge_month, team, sum(billed_cost_usd) as billed_cost_usd
from (
    select charge_date, team, billed_cost_usd from split_after
    union all
    select charge_date, team, -billed_cost_usd from split_before
)
group by all
having sum(billed_cost_usd) <> 0
order by charge_month, abs(sum(billed_cost_usd)) desc, team
"""


def split_changes(connection: duckdb.DuckDBPyConnection, landed: Rows, wanted: Rows) -> Rows:
    """How each team's months change in billed USD, splits applied: charge_month, team, billed_cost_usd.

    Expects the tables that `ownership_rules.decide` leaves. Empty where there is no split, then or now: what moves
    between teams is the whole answer.

    Args:
        landed, wanted: rows of the stream `splits`, as they are landed and as the file says.
    """
    if not landed and not wanted:
        return []
    _split(connection, landed, "from_team", "split_before")
    _split(connection, wanted, "team", "split_after")
    return connection.execute(_CHANGES).to_arrow_table().to_pylist()


def _split(connection: duckdb.DuckDBPyConnection, rows: Rows, team: str, target: str) -> None:
    """Fill the table `target` with the days of `decided`, the splits applied to the teams of a column."""
    connection.register("split_rows", pa.Table.from_pylist(rows, schema=SPLITS.schema))
    connection.execute(
        "create or replace temp table splits as "
        "select * replace (cast(share as decimal(18, 12)) as share) from split_rows"
    )
    connection.unregister("split_rows")
    connection.execute(f"create or replace temp table int_split_matches as {render_model('int_split_matches')}")
    nulls = [f"cast(null as decimal(38, 12)) as {name}" for name in _AMOUNTS]
    nulls += [f"cast(null as varchar) as {name}" for name in _WORDS]
    days = (
        f"select decided.thing_id, things.provider, decided.charge_date, decided.{team} as team, "
        "cast(decided.billed_cost_usd as decimal(38, 12)) as billed_cost_usd, cast(null as bigint) as consumed_tokens, "
        f"{', '.join(nulls)} from decided inner join things on decided.thing_id = things.thing_id"
    )
    steps = [f"split_0 as ({days})"]
    levels = 1 + max((row["chain_level"] for row in rows), default=-1)
    for level in range(levels):
        applied = render(f"{{{{ apply_splits('split_{level}', 'splits', {level}) }}}}")
        steps.append(f"split_{level + 1} as ({applied})")
    connection.execute(
        f"create or replace temp table {target} as with {', '.join(steps)} "
        f"select charge_date, team, billed_cost_usd from split_{levels}"
    )
