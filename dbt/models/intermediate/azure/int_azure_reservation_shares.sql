-- whose a reservation's payment is: the hours that each team's deployments drew from it until the next payment or the end
-- of its term, beside the hours that nobody drew
with

charges as (
    select * from {{ ref('int_azure_charges') }}
),

transactions as (
    select * from {{ ref('stg_azure_reservations__transactions') }}
),

details as (
    select * from {{ ref('stg_azure_reservations__details') }}
),

terms as (
    select
        reservation_order_id,
        max(term) as term
    from transactions
    group by reservation_order_id
),

payments as (
    select
        charges.sub_account_id,
        charges.workload_id,
        charges.charge_date,
        coalesce(
            lead(charges.charge_date) over (partition by charges.workload_id order by charges.charge_date),
            cast(
                charges.charge_date
                + case any_value(terms.term) when 'P1Y' then interval '1 year' when 'P3Y' then interval '3 years' else interval '1 month' end
                as date
            )
        ) as ends_on
    from charges
    inner join terms on charges.workload_id = lower(terms.reservation_order_id)
    where charges.charge_category = 'Purchase'
    group by charges.sub_account_id, charges.workload_id, charges.charge_date
),

-- whose the deployments of an account are, on a day, by the cost of their reserved hours
reserved_uses as (
    select
        resource_id,
        charge_date,
        native_team,
        native_product,
        native_environment,
        sum(effective_cost) as effective_cost
    from charges
    where pricing_category = 'committed' and effective_cost > 0
    group by resource_id, charge_date, native_team, native_product, native_environment
),

shared_uses as (
    select
        *,
        effective_cost / sum(effective_cost) over (partition by resource_id, charge_date) as share_ratio
    from reserved_uses
),

-- an hour that is drawn is drawn whole: weights are its millionths
drawn as (
    select
        lower(details.reservation_order_id) as workload_id,
        details.usage_date,
        shared_uses.native_team as team,
        shared_uses.native_product as product,
        shared_uses.native_environment as environment,
        cast(round(details.used_hours * coalesce(shared_uses.share_ratio, 1) * 1000000) as bigint) as weight
    from details
    left join shared_uses
        on details.resource_id = shared_uses.resource_id and details.usage_date = shared_uses.charge_date
),

-- each resource's row repeats the hours that the whole reservation had that day
idle as (
    select
        lower(reservation_order_id) as workload_id,
        usage_date,
        cast(null as varchar) as team,
        cast(null as varchar) as product,
        cast(null as varchar) as environment,
        greatest(cast(round((max(reserved_hours) - sum(used_hours)) * 1000000) as bigint), 0) as weight
    from details
    group by reservation_order_id, reservation_id, usage_date
),

uses as (
    select * from drawn
    union all
    select * from idle
)

select
    'azure' as provider,
    payments.sub_account_id,
    payments.workload_id,
    cast(null as varchar) as model,
    payments.charge_date,
    'azure_reservations' as source,
    'other' as token_kind,
    'capacity_share' as method,
    uses.team,
    uses.product,
    uses.environment,
    cast(sum(uses.weight) as bigint) as weight
from payments
inner join uses
    on
        payments.workload_id = uses.workload_id
        and payments.charge_date <= uses.usage_date
        and payments.ends_on > uses.usage_date
group by
    payments.sub_account_id, payments.workload_id, payments.charge_date, uses.team, uses.product, uses.environment
having sum(uses.weight) > 0
