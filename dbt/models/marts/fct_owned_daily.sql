{{ config(
    materialized='incremental',
    meta={
        'part': 'charge_date',
        'built_from': {
            'int_charges_attributed': 'charge_date', 'int_owners_daily': 'owned_date',
            'int_owners_now': 'whole',
        },
    },
    **by_part()
) }}

with

charges as (
    select * from {{ ref('int_charges_attributed') }}
    where {{ is_changed_part('charge_date') }}
),

owners as (
    select * from {{ ref('int_owners_daily') }}
),

owners_now as (
    select * from {{ ref('int_owners_now') }}
),

-- the parts of a decided split stand together again: a split says who pays, not whose a thing is
daily as (
    select
        thing_id,
        charge_date,
        provider,
        native_team,
        native_product,
        native_environment,
        native_method,
        {{ known_sum('billed_cost_usd') }} as billed_cost_usd
    from charges
    group by thing_id, charge_date, provider, native_team, native_product, native_environment, native_method
),

-- at most one owner per thing and day, and one now: the joins change no row count
owned as (
    select
        daily.*,
        owners.team as owner_team,
        owners.product as owner_product,
        owners.environment as owner_environment,
        owners.method as owner_method,
        owners.rule_id,
        coalesce(daily.native_team, owners_now.team, 'unallocated') as team_now
    from daily
    left join owners on daily.thing_id = owners.thing_id and daily.charge_date = owners.owned_date
    left join owners_now on daily.thing_id = owners_now.thing_id
),

decided as (
    select
        thing_id,
        charge_date,
        provider,
        native_team,
        native_product,
        native_environment,
        native_method,
        {{ attribution() }},
        case when native_team is null then rule_id end as rule_id,
        team_now,
        billed_cost_usd
    from owned
)

select * from decided
