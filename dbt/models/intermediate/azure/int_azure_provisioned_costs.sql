-- what an account's provisioned hours of a day cost when reservations are spread over their term
with

costs as (
    select * from {{ ref('int_azure_costs') }}
    where charge_type = 'Usage' and billing_currency = 'USD'
),

meters as (
    select * from {{ ref('int_azure_meters') }}
    where is_provisioned
),

daily as (
    select
        costs.resource_id,
        meters.price_scope,
        costs.charge_date,
        {{ known_sum('costs.effective_cost') }} as effective_cost,
        sum(costs.amortized_quantity) as ptu_hours
    from costs
    inner join meters
        on
            costs.meter = meters.meter
            and costs.service_name is not distinct from meters.service_name
            and costs.meter_subcategory is not distinct from meters.meter_subcategory
            and costs.unit_of_measure is not distinct from meters.unit_of_measure
    group by costs.resource_id, meters.price_scope, costs.charge_date
)

select * from daily
