{% set bill_sources = ['aws_cur', 'gcp_billing', 'azure_cost', 'anthropic', 'openai'] %}

with

usage as (
    select * from {{ ref('int_usage_priced') }}
    where tokens > 0
),

-- how far each account's bill is complete
bills as (
    select
        provider,
        account_id,
        max(complete_through) as complete_through
    from {{ ref('source_status') }}
    where source in ('{{ bill_sources | join("', '") }}') and complete_through is not null
    group by provider, account_id
),

providers as (
    select
        provider,
        min(complete_through) as complete_through
    from bills
    group by provider
),

capacity_days as (
    select
        provider,
        workload_id,
        cast(hour_start as date) as usage_date
    from {{ ref('int_capacity_hourly') }}
    group by provider, workload_id, cast(hour_start as date)
),

-- each join finds at most one row: an account reports once
unfinished as (
    select usage.*
    from usage
    left join bills as sub_bills
        on usage.provider = sub_bills.provider and usage.sub_account_id = sub_bills.account_id
    left join bills as account_bills
        on usage.provider = account_bills.provider and usage.billing_account_id = account_bills.account_id
    left join providers
        on usage.provider = providers.provider
    -- without any bill nothing is complete, and every day is an estimate
    where
        usage.usage_date > coalesce(
            sub_bills.complete_through, account_bills.complete_through, providers.complete_through, date '0001-01-01'
        )
),

billed as (
    select
        provider,
        billing_account_id,
        sub_account_id,
        workload_id,
        charge_date
    from {{ ref('int_charges_attributed') }}
    where
        token_class <> 'other'
        and charge_category = 'Usage'
        and charge_date >= (select min(unfinished.usage_date) from unfinished)
    group by provider, billing_account_id, sub_account_id, workload_id, charge_date
),

-- bought capacity is billed by the hour, and a billed scope-day has its price: neither is estimated
unbilled as (
    select unfinished.*
    from unfinished
    anti join capacity_days
        on
            unfinished.provider = capacity_days.provider
            and unfinished.workload_id = capacity_days.workload_id
            and unfinished.usage_date = capacity_days.usage_date
    anti join billed
        on
            unfinished.provider = billed.provider
            and unfinished.usage_date = billed.charge_date
            and {{ same_bill_scope('unfinished', 'billed') }}
)

select * from unbilled
