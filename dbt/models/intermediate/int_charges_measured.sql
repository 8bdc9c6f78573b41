{# one row per charge that no tag names and a log or a meter shares out, and part of it #}
{% set thing = 'provider, sub_account_id, workload_id, charge_date, token_kind' %}

with

shares as (
    select
        *,
        sum(weight) over (partition by {{ thing }}, model, method) as total_weight
    from {{ ref('int_measured_shares') }}
),

-- charges have no key of their own: one number each, for as long as they lie in parts
charges as (
    select
        *,
        case
            when starts_with(token_class, 'cache_write') then 'cache_write'
            else token_class
        end as token_kind,
        row_number() over () as charge_number
    from {{ ref('int_charges_owned') }}
    where native_team is null
),

-- tokens are shared among their model's callers; a purchase or an hour of capacity names no model
weighed as (
    select
        charges.* exclude (token_kind),
        shares.source as share_source,
        shares.method as share_method,
        shares.team as share_team,
        shares.product as share_product,
        shares.environment as share_environment,
        shares.weight,
        shares.total_weight,
        row_number() over (
            partition by charges.charge_number
            order by shares.weight desc, shares.team asc nulls last, shares.product asc, shares.environment asc
        ) as part_rank
    from charges
    inner join shares
        on
            {{ same_things('charges', 'shares', thing) }}
            and (charges.model = shares.model or (shares.model is null and charges.token_class = 'other'))
),

parted as (
    {{ charge_parts('weighed', 'charge_number', 'weight', 'total_weight') }}
)

-- a part that nobody used keeps what the charge itself names
select
    * exclude (
        charge_number, share_source, share_method, share_team, share_product, share_environment, weight, total_weight,
        native_team, native_product, native_environment, native_method, native_evidence
    ),
    share_team as native_team,
    if(share_team is null, native_product, share_product) as native_product,
    if(share_team is null, native_environment, share_environment) as native_environment,
    share_method as native_method,
    case
        when share_team is null then null
        when share_method = 'capacity_share' then 'use of ' || workload_id
        else 'log ' || share_source
    end as native_evidence
from parted
