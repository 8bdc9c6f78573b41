-- a view: publishing writes its seventy columns once, and as a table they would be written twice
{{ config(materialized='view') }}

with

-- what nobody has billed yet is in no FOCUS data set
charges as (
    select
        *,
        charge_category in ('Usage', 'Purchase') as is_priced,
        case
            when charge_category in ('Credit', 'Tax') then billed_cost
            else list_cost
        end as public_cost,
        -- the agreed price of what a commitment covers is on no bill
        case when pricing_category <> 'committed' or charge_category <> 'Usage' then billed_cost end as contracted_cost
    from {{ ref('int_charges_attributed') }}
    where cost_status <> 'estimate'
),

models as (
    select * from {{ ref('models') }}
),

regions as (
    select * from {{ ref('region_names') }}
),

providers as (
    {{ focus_providers() }}
),

pairs as (
    select
        model,
        token_class
    from charges
    group by model, token_class
),

-- few models and token classes stand on many rows, so each pair is written once
sku_prices as (
    select
        pairs.model,
        pairs.token_class,
        any_value(models.developer) as developer,
        {{ focus_sku_price_details('models', 'pairs') }} as details
    from pairs
    left join models on pairs.model = models.model
    group by pairs.model, pairs.token_class
),

-- one provider, one region name and one pair at most for each charge: the joins change no row count
described as (
    select
        charges.*,
        providers.provider_name,
        providers.billing_account_type,
        providers.sub_account_type,
        regions.region_name,
        sku_prices.developer,
        sku_prices.details,
        {{ focus_resource_type('charges') }} as resource_type,
        {{ focus_allocation_method() }} as allocated_by,
        -- of a measured split the part that no use explains belongs to nobody, or to whoever owns the place
        team <> 'unallocated' and (attribution_method in ('gateway_share', 'capacity_share') or split_path is not null)
            as is_explained,
        coalesce(charges.sku_id, charges.sku) as sku_key
    from charges
    inner join providers on charges.provider = providers.provider
    left join regions on charges.provider = regions.provider and charges.region_id = regions.region_id
    left join sku_prices
        on
            charges.model is not distinct from sku_prices.model
            and charges.token_class is not distinct from sku_prices.token_class
),

focus as (
    select
        {{ focus_columns() }}
    from described
)

select * from focus
