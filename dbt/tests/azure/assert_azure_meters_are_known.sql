{{ config(severity='warn') }}
-- a token meter whose model, class or block is not known: its cost is billed and attributed, its tokens are not counted
with

unknown as (
    select *
    from {{ ref('int_azure_meters') }}
    where meter_kind = 'tokens' and (model is null or token_class = 'other' or block_size is null)
),

costs as (
    select * from {{ ref('int_azure_costs') }}
)

select
    unknown.service_name,
    unknown.meter_subcategory,
    unknown.meter,
    unknown.unit_of_measure,
    unknown.provider_model_name,
    unknown.token_class,
    unknown.block_size,
    costs.billing_currency,
    sum(costs.billed_cost) as billed_cost
from unknown
inner join costs
    on
        unknown.meter = costs.meter
        and unknown.service_name is not distinct from costs.service_name
        and unknown.meter_subcategory is not distinct from costs.meter_subcategory
        and unknown.unit_of_measure is not distinct from costs.unit_of_measure
group by all
order by billed_cost desc
