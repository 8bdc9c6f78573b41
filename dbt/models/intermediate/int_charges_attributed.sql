{{ config(
    materialized='incremental',
    meta={
        'part': 'charge_date',
        'built_from': {
            'int_charges_owned': 'charge_date', 'int_charges_measured': 'charge_date',
            'int_measured_shares': 'charge_date', 'stg_config__splits': 'whole', 'int_split_matches': 'whole',
        },
    },
    **by_part()
) }}

{# as many steps as the longest chain of splits has: most organisations have none, and each step reads every charge #}
{% set chain_levels = 3 %}
{% if execute and load_relation(ref('stg_config__splits')) %}
    {% set longest_chain %}
        select coalesce(max(chain_level) + 1, 0) from {{ ref('stg_config__splits') }}
    {% endset %}
    {% set chain_levels = run_query(longest_chain).columns[0].values()[0] | int %}
{% endif %}

with

owned as (
    select * from {{ ref('int_charges_owned') }}
    where {{ is_changed_part('charge_date') }}
),

measured as (
    select * from {{ ref('int_charges_measured') }}
    where {{ is_changed_part('charge_date') }}
),

shared_things as (
    select distinct
        provider,
        sub_account_id,
        workload_id,
        charge_date,
        token_kind,
        model
    from {{ ref('int_measured_shares') }}
    where {{ is_changed_part('charge_date') }}
),

splits as (
    select * from {{ ref('stg_config__splits') }}
),

-- a charge is whole or in parts, never both: the same condition tells which
whole as (
    select owned.*
    from owned
    where
        owned.native_team is not null
        or not exists (
            select 1
            from shared_things
            where
                {{ same_things('owned', 'shared_things', 'provider, sub_account_id, workload_id, charge_date') }}
                and shared_things.token_kind
                = case when starts_with(owned.token_class, 'cache_write') then 'cache_write' else owned.token_class end
                and (owned.model = shared_things.model or (shared_things.model is null and owned.token_class = 'other'))
        )
),

decided as (
    select
        *,
        {{ attribution() }},
        {{ attribution_evidence() }},
        cast(null as varchar) as split_path,
        cast(null as varchar) as split_from_team
    from (
        select * from whole
        union all by name
        select * from measured
    ) as charges
),

split_0 as (
    select * exclude (owner_team, owner_product, owner_environment, owner_method, owner_rule_id, native_evidence)
    from decided
),
{% for level in range(chain_levels) %}
    split_{{ level + 1 }} as (
        {{ apply_splits('split_' ~ level, 'splits', level) }}
    ),
{% endfor %}
attributed as (
    select
        * exclude (principal),
        {{ attribution_confidence('attribution_method') }} as attribution_confidence
    from split_{{ chain_levels }}
)

select * from attributed
