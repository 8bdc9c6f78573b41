-- what the bill really charged for a million tokens, beside the list and the contract
{% set price_columns = "provider, model, token_class, region_class, service_tier, context_band" %}

with

charges as (
    select * from {{ ref('int_charges_attributed') }}
    where
        charge_category in ('Usage', 'Adjustment')
        and model is not null
        and token_class <> 'other'
        and pricing_category not in ('committed', 'provisioned')
),

prices as (
    select * from {{ ref('dim_price') }}
),

-- a discount or correction that is billed on a line of its own has no tokens of its own either
billed_days as (
    select
        {{ price_columns }},
        billing_month,
        charge_date,
        {{ known_sum('billed_cost_usd') }} as billed_usd,
        case
            when count(*) filter (where charge_category = 'Usage' and consumed_tokens is null) = 0
                then cast(coalesce(sum(consumed_tokens), 0) as bigint)
        end as tokens
    from charges
    group by {{ price_columns }}, billing_month, charge_date
),

-- price intervals do not overlap: the join changes no row count
priced_days as (
    select
        billed_days.*,
        prices.price_source,
        {{ tokens_cost('billed_days.tokens', 'prices.usd_per_mtok') }} as list_usd,
        {{ tokens_cost('billed_days.tokens', 'prices.contract_usd_per_mtok') }} as contract_usd
    from billed_days
    left join prices
        on
            billed_days.provider = prices.provider
            and billed_days.model = prices.model
            and billed_days.token_class = prices.token_class
            and billed_days.region_class = prices.region_class
            and billed_days.service_tier = prices.service_tier
            and billed_days.context_band = prices.context_band
            and {{ holds_on('prices', 'billed_days.charge_date') }}
),

months as (
    select
        {{ price_columns }},
        billing_month,
        {{ of_largest('price_source', 'charge_date') }} as price_source,
        {{ known_sum('tokens', 'bigint') }} as tokens,
        {{ known_sum('billed_usd') }} as billed_usd,
        {{ known_sum('list_usd') }} as list_usd,
        {{ known_sum('contract_usd') }} as contract_usd
    from priced_days
    group by {{ price_columns }}, billing_month
),

effective as (
    select
        {{ price_columns }},
        billing_month,
        price_source,
        tokens,
        billed_usd,
        contract_usd,
        billed_usd - contract_usd as difference_usd,
        {{ usd_per_mtok('billed_usd', 'tokens') }} as billed_usd_per_mtok,
        {{ usd_per_mtok('list_usd', 'tokens') }} as list_usd_per_mtok,
        {{ usd_per_mtok('contract_usd', 'tokens') }} as contract_usd_per_mtok,
        {{ usd_per_mtok('billed_usd', 'tokens') }} - {{ usd_per_mtok('contract_usd', 'tokens') }}
            as difference_usd_per_mtok
    from months
)

select * from effective
