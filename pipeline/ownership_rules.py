"""Decides by the rules of one `ownership.yml` whose things are, with the SQL that the dbt models are made of.

The models and macros of the dbt project are rendered over tables of one in-memory DuckDB, so that what is foreseen and
what is built cannot differ in their rules. Both ways of asking end here: examples inside a file, and a year of things.
"""

import duckdb
import jinja2
import pyarrow as pa

from ingest.config_ownership import OwnershipConfig
from ingest.sources.config import OWNERSHIP_RULES, TAG_SYNONYMS, ownership_rows
from pipeline.paths import dbt_project

_MACROS = (
    "apply_splits",
    "attribution",
    "carried_tags",
    "charge_parts",
    "holds_on",
    "money_split",
    "owned_things",
    "rule_matches",
    "tag_value",
)
_MODELS = ("int_tag_values", "int_owner_matches", "int_owners_daily")
# what the models read: what is asked about stands in `things` and `days`; meters and logs have nothing to add
_REFS = {
    "int_charges": "things",
    "int_usage_daily": "nothing_metered",
    "int_logged_usage": "nothing_logged",
    "int_owned_things": "things",
    "int_charges_scoped": "days",
    "stg_config__ownership_rules": "ownership_rules",
    "stg_config__tag_synonyms": "tag_synonyms",
    "stg_config__splits": "splits",
    "int_split_matches": "int_split_matches",
}
# a share by measured use stands as it was found
_MEASURED = "('gateway_share', 'capacity_share')"
_NATIVE = f"""
with

words as (
    select
        carried_tags,
        canonical,
        method,
        tag_value
    from int_tag_values
    where canonical is not null
    qualify row_number() over (
        partition by carried_tags, canonical
        order by set_rank, synonym_position, tag_position
    ) = 1
),

tagged as (
    select
        carried_tags,
        max(tag_value) filter (where canonical = 'team') as team,
        max(tag_value) filter (where canonical = 'product') as product,
        max(tag_value) filter (where canonical = 'environment') as environment,
        max(method) filter (where canonical = 'team') as method
    from words
    group by carried_tags
)

select
    days.thing_id,
    days.charge_date,
    days.from_team,
    days.billed_cost_usd,
    days.is_measured,
    case when days.is_measured then days.native_team else tagged.team end as native_team,
    case when days.is_measured then days.native_product else tagged.product end as native_product,
    case when days.is_measured then days.native_environment else tagged.environment end as native_environment,
    case when days.is_measured then days.native_method else tagged.method end as native_method,
    owners.team as owner_team,
    owners.product as owner_product,
    owners.environment as owner_environment,
    owners.method as owner_method,
    owners.rule_id
from (select *, coalesce(native_method in {_MEASURED}, false) as is_measured from days) as days
inner join things on days.thing_id = things.thing_id
left join tagged on things.carried_tags = tagged.carried_tags
left join int_owners_daily as owners on days.thing_id = owners.thing_id and days.charge_date = owners.owned_date
"""


def decide(connection: duckdb.DuckDBPyConnection, ownership: OwnershipConfig) -> None:
    """Fill the table `decided`: each row of `days` with its team, product, environment, attribution_method and rule_id.

    Expects `things` (as `dim_owned_thing`) and `days` (thing_id, charge_date, native_team, native_product,
    native_environment, native_method, from_team, billed_cost_usd, is_in_scope) in the connection. Leaves the tables
    `int_tag_values` and `int_owner_matches` for other questions.
    """
    _declare(connection, ownership)
    for model in _MODELS:
        connection.execute(f"create or replace temp table {model} as {render_model(model)}")
    attribution = render("{{ attribution() }}")
    connection.execute(
        f"""
        create or replace temp table decided as
        select
            * exclude (owner_team, owner_product, owner_environment, owner_method, rule_id),
            {attribution},
            case when native_team is null then rule_id end as rule_id
        from ({_NATIVE}) as native
        """
    )


def _declare(connection: duckdb.DuckDBPyConnection, ownership: OwnershipConfig) -> None:
    """The rows of the file as the tables that staging would give."""
    for contract, rows in ownership_rows(ownership):
        if contract in (OWNERSHIP_RULES, TAG_SYNONYMS):
            landed = pa.Table.from_pylist(rows, schema=contract.schema)
            connection.register("landed_rows", landed)
            connection.execute(f"create or replace temp table {contract.stream} as select * from landed_rows")
            connection.unregister("landed_rows")
    connection.execute(
        """
        create or replace temp table nothing_metered as
        select null::varchar as thing_id, null::date as usage_date, null::varchar as carried_tags where false;
        create or replace temp table nothing_logged as
        select null::varchar as thing_id, null::timestamp as hour_start where false;
        """
    )


def render_model(name: str) -> str:
    """The SQL of a model, over the tables that stand in for what it reads."""
    path = next((dbt_project() / "models").rglob(f"{name}.sql"))
    return render(path.read_text(encoding="utf-8"))


def render(template: str) -> str:
    """SQL of a template that may use the macros of attribution and splits."""
    # what comes out is SQL, where HTML has nothing to escape
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined)  # noqa: S701
    folder, refs = dbt_project() / "macros", _REFS | {name: name for name in _MODELS}
    macros = "\n".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in _MACROS)
    return environment.from_string(macros + "\n" + template).render(ref=lambda name: refs[name])
