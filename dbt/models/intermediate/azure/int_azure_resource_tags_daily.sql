-- what the bill says of a resource's tags on a day; a value that covers only part of the day's cost is no evidence
with

asked_tags as (
    select * from {{ ref('stg_azure_cost__tags') }}
    where resource_id is not null
),

costs as (
    select * from {{ ref('int_azure_costs') }}
    where charge_type = 'Usage' and consumed_service = 'Microsoft.CognitiveServices'
),

-- rows of files carry all their tags; one row per row of the bill and tag key of its resource and day
filed_keys as (
    select distinct
        resource_id,
        charge_date,
        lower(unnest(map_keys(tags))) as tag_key
    from costs
    where tags is not null and resource_id is not null
),

filed_tags as (
    select
        costs.resource_id,
        filed_keys.tag_key,
        list_filter(map_entries(costs.tags), lambda tag: lower(tag['key']) = filed_keys.tag_key)[1].value as tag_value,
        costs.billed_cost as cost,
        costs.charge_date
    from costs
    inner join filed_keys
        on costs.resource_id = filed_keys.resource_id and costs.charge_date = filed_keys.charge_date
),

-- by one route or the other, never by both: the days that files tell are left out of what was asked for
tags as (
    select * from filed_tags
    union all
    select
        asked_tags.resource_id,
        asked_tags.tag_key,
        asked_tags.tag_value,
        asked_tags.cost,
        asked_tags.charge_date
    from asked_tags
    left join filed_keys
        on
            asked_tags.resource_id = filed_keys.resource_id
            and asked_tags.charge_date = filed_keys.charge_date
            and asked_tags.tag_key = filed_keys.tag_key
    where filed_keys.tag_key is null
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
