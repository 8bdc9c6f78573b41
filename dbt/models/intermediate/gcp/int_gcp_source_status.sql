with

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
),

days as (
    select * from {{ ref('int_gcp_billing_completeness') }}
),

loads as (
    select * from {{ ref('stg_landing__statuses') }}
),

-- one sentence for every account: a SKU is read alike in each
review as (
    select
        'SKUs to look at (int_gcp_sku_reviews): '
        || string_agg(sku || ' ' || cast(cast(cost_usd as decimal(38, 2)) as varchar) || ' USD', ', ' order by abs(cost_usd) desc, sku)
        || '.' as message
    from (
        select * from {{ ref('int_gcp_sku_reviews') }}
        where reason in ('unmatched_service', 'unit_price_outlier', 'unparsed')
        order by abs(cost_usd) desc, sku
        limit 5
    ) as largest
),

billed as (
    select
        billing_account_id,
        max(usage_end_at) filter (where consumed_tokens is not null) as watermark,
        count(*) as landed_rows
    from bill_rows
    group by billing_account_id
),

-- the day before the first one that is not complete
completeness as (
    select
        billing_account_id,
        coalesce(min(usage_date) filter (where not is_complete) - 1, max(usage_date)) as complete_through,
        min(usage_date) filter (where not is_complete) as first_missing,
        max(usage_date) filter (where is_complete) as last_complete
    from days
    group by billing_account_id
),

billing_status as (
    select
        'gcp_billing' as source,
        'gcp' as provider,
        billed.billing_account_id as account_id,
        billed.watermark,
        completeness.complete_through,
        billed.landed_rows as rows,
        nullif(concat_ws(
            ' ',
            case
                -- two days are the export's usual delay
                when completeness.first_missing <= cast(timestamp '{{ var("as_of") }}' as date) - 2
                    then
                        'Bill rows from ' || completeness.first_missing
                        || ' on have not all arrived, although the usage was metered: late data.'
            end,
            loads.message,
            review.message
        ), '') as message
    from billed
    cross join review
    left join completeness
        on billed.billing_account_id = completeness.billing_account_id
    left join loads
        on loads.source = 'gcp_billing' and billed.billing_account_id = loads.account_id
),

metered_status as (
    select * from {{ ref('int_gcp_metered_status') }}
),

statuses as (
    select * from billing_status
    union all
    select * from metered_status
)

select * from statuses
