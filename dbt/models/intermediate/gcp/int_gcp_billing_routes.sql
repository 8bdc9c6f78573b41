with

export_rows as (
    select
        billing_account_id,
        export_kind,
        read_from,
        billing_month,
        billing_currency,
        charge_date,
        adjustment_mode,
        cost
    from {{ ref('stg_gcp_billing__export_rows') }}
    union all
    select
        billing_account_id,
        export_kind,
        read_from,
        billing_month,
        billing_currency,
        charge_date,
        adjustment_mode,
        cost
    from {{ ref('stg_gcp_billing__focus_rows') }}
),

credits as (
    select
        billing_account_id,
        export_kind,
        read_from,
        billing_month,
        amount
    from {{ ref('stg_gcp_billing__credits') }}
    union all
    select
        billing_account_id,
        export_kind,
        read_from,
        billing_month,
        amount
    from {{ ref('stg_gcp_billing__focus_credits') }}
),

-- how far back a route's own usage reaches; a correction of old usage is no witness
reaches as (
    select
        billing_account_id,
        export_kind,
        read_from,
        min(charge_date) filter (where adjustment_mode is null) as first_day
    from export_rows
    group by billing_account_id, export_kind, read_from
),

months as (
    select
        billing_account_id,
        export_kind,
        read_from,
        billing_month,
        count(*) as row_count,
        cast(sum(cost) as decimal(38, 12)) as cost
    from export_rows
    group by billing_account_id, export_kind, read_from, billing_month
),

credited as (
    select
        billing_account_id,
        export_kind,
        read_from,
        billing_month,
        cast(sum(amount) as decimal(38, 12)) as amount
    from credits
    group by billing_account_id, export_kind, read_from, billing_month
),

-- both sides have one row per route and month: the joins change no row count
ranked as (
    select
        months.billing_account_id,
        months.billing_month,
        months.export_kind,
        months.read_from,
        months.row_count,
        cast(
            case when credited.amount is null then months.cost else months.cost + credited.amount end
            as decimal(38, 12)
        ) as landed_cost,
        -- an export that was switched on, or read from, in the middle of a month does not have that month
        coalesce(reaches.first_day <= months.billing_month + 1, false) as is_whole,
        row_number() over (
            partition by months.billing_account_id, months.billing_month
            order by
                coalesce(reaches.first_day <= months.billing_month + 1, false) desc,
                case months.export_kind when 'detailed' then 1 when 'standard' then 2 else 3 end,
                case months.read_from when 'table' then 1 else 2 end
        ) = 1 as is_taken
    from months
    inner join reaches
        on
            months.billing_account_id = reaches.billing_account_id
            and months.export_kind = reaches.export_kind
            and months.read_from = reaches.read_from
    left join credited
        on
            months.billing_account_id = credited.billing_account_id
            and months.export_kind = credited.export_kind
            and months.read_from = credited.read_from
            and months.billing_month = credited.billing_month
)

select * from ranked
