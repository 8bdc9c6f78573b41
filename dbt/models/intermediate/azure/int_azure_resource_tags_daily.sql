-- what the bill says of a resource's tags on a day; a value that covers only part of the day's cost is no evidence
with

tags as (
    select * from {{ ref('stg_azure_cost__tags') }}
    where resource_id is not null
),

costs as (
    select * from {{ ref('int_azure_costs') }}
    where charge_type = 'Usage' and consumed_service = 'Microsoft.CognitiveServices'
),

billed_days as (
    select
        charge_date,
        resource_id,
        sum(billed_cost) as billed_cost
    from costs
    group by charge_date, resource_id
),

tagged_days as (
    select
        charge_date,
        resource_id,
        tag_key,
        sum(cost) as tagged_cost,
        max(tag_value) as tag_value,
        count(distinct coalesce(tag_value, '')) as distinct_values
    from tags
    group by charge_date, resource_id, tag_key
),

-- the two queries are answered one after the other; they speak of the same rows only if their sums agree to the cent
agreed as (
    select
        tagged_days.charge_date,
        tagged_days.resource_id,
        tagged_days.tag_key,
        tagged_days.tag_value
    from tagged_days
    inner join billed_days
        on
            tagged_days.charge_date = billed_days.charge_date
            and tagged_days.resource_id = billed_days.resource_id
            and abs(tagged_days.tagged_cost - billed_days.billed_cost) < 0.01
    where tagged_days.distinct_values = 1 and tagged_days.tag_value is not null
),

mapped as (
    select
        charge_date,
        resource_id,
        map(list(tag_key order by tag_key), list(tag_value order by tag_key)) as tags
    from agreed
    group by charge_date, resource_id
)

select * from mapped
