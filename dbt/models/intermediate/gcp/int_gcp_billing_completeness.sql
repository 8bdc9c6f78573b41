with

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
),

token_counts as (
    select * from {{ ref('stg_gcp_vertex__token_counts') }}
    where request_type is distinct from 'dedicated'
),

-- token rows are the witness: other services arrive at their own pace
billed_hours as (
    select
        billing_account_id,
        project_id,
        usage_start_at as hour_start
    from bill_rows
    where consumed_tokens is not null and charge_category = 'Usage'
    group by billing_account_id, project_id, usage_start_at
),

billed_projects as (
    select
        billing_account_id,
        project_id,
        min(hour_start) as first_hour
    from billed_hours
    group by billing_account_id, project_id
),

accounts as (
    select
        billing_account_id,
        cast(min(hour_start) as date) as first_day
    from billed_hours
    group by billing_account_id
),

-- the days that may still be late; what is missing for longer will not come
days as (
    select
        billing_account_id,
        cast(unnest(generate_series(
            greatest(cast(first_day as timestamp), cast(timestamp '{{ var("as_of") }}' as date) - interval '35 days'),
            cast(timestamp '{{ var("as_of") }}' as date) - interval '1 day',
            interval '1 day'
        )) as date) as usage_date
    from accounts
),

metered_hours as (
    select
        billed_projects.billing_account_id,
        token_counts.project_id,
        token_counts.hour_start,
        sum(token_counts.tokens) as tokens
    from token_counts
    -- a project that was never billed for tokens before can be free of charge: it bears no witness
    inner join billed_projects
        on token_counts.project_id = billed_projects.project_id and token_counts.hour_start >= billed_projects.first_hour
    group by billed_projects.billing_account_id, token_counts.project_id, token_counts.hour_start
),

metered_days as (
    select
        metered_hours.billing_account_id,
        cast(metered_hours.hour_start as date) as usage_date,
        sum(metered_hours.tokens) as metered_tokens,
        sum(if(billed_hours.hour_start is null, metered_hours.tokens, 0)) as missing_tokens,
        count(*) filter (where billed_hours.hour_start is null) as missing_hours
    from metered_hours
    left join billed_hours
        on
            metered_hours.billing_account_id = billed_hours.billing_account_id
            and metered_hours.project_id = billed_hours.project_id
            and metered_hours.hour_start = billed_hours.hour_start
    group by metered_hours.billing_account_id, cast(metered_hours.hour_start as date)
),

billed_days as (
    select
        billing_account_id,
        cast(hour_start as date) as usage_date,
        count(distinct hour_start) as billed_hours
    from billed_hours
    group by billing_account_id, cast(hour_start as date)
),

-- one row per account and day. A day is complete when at most one in a hundred metered tokens lies in hours without any
-- bill row; where nothing was metered, when it has as many hours as the same day a week before had.
judged as (
    select
        days.billing_account_id,
        days.usage_date,
        coalesce(billed_days.billed_hours, 0) as billed_hours,
        metered_days.missing_hours,
        case
            when metered_days.metered_tokens > 0
                then metered_days.missing_tokens * 100 <= metered_days.metered_tokens
            else coalesce(billed_days.billed_hours, 0) >= coalesce(week_before.billed_hours, 24)
        end as is_complete
    from days
    left join metered_days
        on days.billing_account_id = metered_days.billing_account_id and days.usage_date = metered_days.usage_date
    left join billed_days
        on days.billing_account_id = billed_days.billing_account_id and days.usage_date = billed_days.usage_date
    left join billed_days as week_before
        on
            days.billing_account_id = week_before.billing_account_id
            and days.usage_date = week_before.usage_date + 7
)

select * from judged
