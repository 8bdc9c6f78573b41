with

months as (
    select * from {{ ref('stg_closed__months') }}
),

inputs as (
    select
        *,
        (closed_checksum is not null and coalesce(closed_checksum <> current_checksum, true)) as is_changed,
        (closed_checksum is null) as is_new
    from {{ ref('stg_closed__inputs') }}
),

restatements as (
    select * from {{ ref('stg_landing__restatements') }}
),

-- rows that the provider took back since the close
gone as (
    select
        inputs.closed_month,
        inputs.provider,
        sum(restatements.gone_rows) as gone_rows
    from inputs
    inner join months on inputs.closed_month = months.closed_month
    inner join restatements
        on
            inputs.source = restatements.source
            and inputs.stream = restatements.stream
            and inputs.window_start = cast(restatements.window_start as date)
            and months.closed_as_of < restatements.restated_at
    where inputs.kind = 'bill'
    group by inputs.closed_month, inputs.provider
),

-- configuration and logs speak for every provider
everywhere as (
    select
        closed_month,
        coalesce(bool_or(is_changed or is_new) filter (where kind = 'rules'), false) as rules_changed,
        coalesce(bool_or(is_changed or is_new) filter (where kind = 'log'), false) as logs_changed
    from inputs
    group by closed_month
),

by_provider as (
    select
        closed_month,
        provider,
        coalesce(bool_or(is_changed) filter (where kind = 'bill'), false) as bill_changed,
        coalesce(bool_or(is_new) filter (where kind = 'bill'), false) as bill_came,
        coalesce(bool_or(current_rows > closed_rows) filter (where kind = 'bill'), false) as bill_grew,
        coalesce(bool_or(is_changed) filter (where kind = 'meter'), false) as meters_changed,
        coalesce(bool_or(is_new) filter (where kind = 'meter'), false) as meters_came
    from inputs
    where provider is not null
    group by closed_month, provider
),

-- both joins find at most one row
evidence as (
    select
        by_provider.closed_month as billing_month,
        by_provider.provider,
        by_provider.bill_changed,
        by_provider.bill_came,
        by_provider.bill_grew and coalesce(gone.gone_rows, 0) = 0 as bill_only_grew,
        by_provider.meters_changed,
        by_provider.meters_came,
        everywhere.rules_changed,
        everywhere.logs_changed
    from by_provider
    inner join everywhere on by_provider.closed_month = everywhere.closed_month
    left join gone on by_provider.closed_month = gone.closed_month and by_provider.provider = gone.provider
)

select * from evidence
