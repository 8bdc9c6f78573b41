{# the flat cost of each throughput order by hour, in USD, exactly #}
with

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
    where pricing_category = 'provisioned' and charge_category = 'Usage'
),

-- equal rows are legitimate, so each gets a number of its own before its hours are laid out
numbered as (
    select
        row_number() over (order by project_id, usage_start_at, exported_at, cost) as order_row,
        billing_account_id,
        project_id,
        region_id,
        subscription_id,
        usage_start_at,
        usage_end_at,
        {{ money_mul('cost', 'usd_per_currency') }} as cost_usd
    from bill_rows
),

-- one row per order row and hour that it covers
hours as (
    select
        numbered.*,
        unnest(generate_series(
            numbered.usage_start_at, numbered.usage_end_at - interval '1 hour', interval '1 hour'
        )) as hour_start,
        1 as weight
    from numbered
),

split as (
    {{ money_split(
        from_='hours', by=['order_row'], amount='cost_usd', weight='weight', tie_break=['hour_start'], part='hour_cost_usd'
    ) }}
),

hourly as (
    select
        billing_account_id,
        project_id,
        hour_start,
        min(region_id) as region_id,
        case when count(distinct subscription_id) = 1 then min(subscription_id) end as subscription_id,
        cast(sum(hour_cost_usd) as decimal(38, 12)) as capacity_cost_usd
    from split
    group by billing_account_id, project_id, hour_start
)

select * from hourly
