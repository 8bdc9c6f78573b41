{{ config(
    materialized='incremental',
    meta={'part': 'usage_date', 'built_from': {'int_billed_tokens': 'usage_date', 'dim_price': 'whole'}},
    **by_part()
) }}

{% set bucket = 'reconciliation_id, region_class, service_tier, context_band' %}

with

off_price as (
    select
        *,
        cast(due_cost_usd - charged_cost_usd as decimal(38, 12)) as off_usd,
        -- the first covers the rounding of a day's hourly rows; a bill in whole cents rounds by half of one
        abs(due_cost_usd - charged_cost_usd) <= 0.0001
        or (is_whole_cents and abs(due_cost_usd - charged_cost_usd) <= 0.005) as is_rounding
    from {{ ref('int_billed_tokens') }}
    where due_cost_usd <> charged_cost_usd and {{ is_changed_part('usage_date') }}
),

prices as (
    select
        *,
        unnest([contract_usd_per_mtok, usd_per_mtok]) as found_usd_per_mtok,
        unnest([false, true]) as is_list
    from {{ ref('dim_price') }}
),

-- every price that the provider may have taken instead of the one that is due, and what taking it would mean
candidates as (
    select
        off_price.*,
        prices.found_usd_per_mtok,
        case
            when prices.service_tier <> off_price.service_tier then 'service_tier'
            when prices.context_band <> off_price.context_band then 'context_band'
            when prices.token_class <> off_price.token_class then 'cache_class'
            when prices.is_list then 'discount'
            else 'price_date'
        end as residual_class,
        -- in how many things it differs from the one that is due
        if(prices.service_tier <> off_price.service_tier, 1, 0)
        + if(prices.context_band <> off_price.context_band, 1, 0)
        + if(prices.token_class <> off_price.token_class, 1, 0)
        + if({{ holds_on('prices', 'off_price.usage_date') }}, 0, if(prices.is_list, 2, 1)) as differences
    from off_price
    inner join prices
        on
            off_price.provider = prices.provider
            and off_price.model = prices.model
            and off_price.region_class = prices.region_class
            and (off_price.token_class = prices.token_class or 'output' <> prices.token_class)
    where not off_price.is_rounding
    union all
    select
        off_price.*,
        {{ money_mul('off_price.due_usd_per_mtok', 'unit_factors.factor') }} as found_usd_per_mtok,
        'unit' as residual_class,
        1 as differences
    from off_price
    cross join unnest([1000.0, 1000000.0, 0.001, 0.000001]) as unit_factors (factor)
    where not off_price.is_rounding
),

-- of several that fit the first counts; of one kind the lowest, so that the answer is always the same
matched as (
    select
        *,
        row_number() over (
            partition by {{ bucket }}
            order by
                list_position(['discount', 'price_date', 'service_tier', 'context_band', 'cache_class', 'unit'], residual_class),
                found_usd_per_mtok
        ) as found_order
    from candidates
    where
        differences <= 1 and found_usd_per_mtok is distinct from due_usd_per_mtok
        -- a double rules nearly all of them out before the exact product is taken
        and abs(cast(billed_tokens as double) * found_usd_per_mtok * 0.000001 - charged_cost_usd) <= 0.001
        and abs({{ tokens_cost('billed_tokens', 'found_usd_per_mtok') }} - charged_cost_usd) <= 0.0001
    qualify found_order = 1
),

judged as (
    select
        off_price.*,
        matched.found_usd_per_mtok,
        case
            when off_price.is_rounding then 'rounding'
            when matched.residual_class is not null then matched.residual_class
            -- a correction on a later invoice is converted at that month's rate
            when abs(off_price.off_usd) <= off_price.moved_cost * (off_price.highest_rate - off_price.lowest_rate) then 'price_date'
            when off_price.tier_usd_per_mtok is null then 'service_tier'
            when off_price.due_usd_per_mtok is null then 'context_band'
            when abs(off_price.list_cost_usd - off_price.due_list_cost_usd) <= 0.0001
                then if({{ is_above_list('off_price') }}, 'unknown', 'discount')
            when off_price.list_cost_usd is not null then 'provider_list'
            else 'unknown'
        end as off_class
    from off_price
    -- at most one match per bucket: the join changes no row count
    left join matched
        on
            off_price.reconciliation_id = matched.reconciliation_id
            and off_price.region_class is not distinct from matched.region_class
            and off_price.service_tier = matched.service_tier
            and off_price.context_band = matched.context_band
)

-- where the provider's own list price is not ours, the step comes first and what is left is the discount on it
select
    *,
    case
        when off_class = 'provider_list' then cast(
            due_cost_usd - {{ money_mul('list_cost_usd', "cast(due_usd_per_mtok as double) / cast(list_usd_per_mtok as double)") }}
            as decimal(38, 12)
        )
    end as list_step_usd
from judged
