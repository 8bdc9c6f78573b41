-- by which of Azure's routes a month of a billing account counts: one alone, so that two never add up
with

query_rows as (
    select {{ azure_cost_columns() }} from {{ ref('stg_azure_cost__actual_costs') }}
    union all
    select {{ azure_cost_columns() }} from {{ ref('stg_azure_cost__amortized_costs') }}
),

file_rows as (
    select * from {{ ref('stg_azure_cost__ea_costs') }}
    union all
    select * from {{ ref('stg_azure_cost__mca_costs') }}
    union all
    select * from {{ ref('stg_azure_cost__focus_costs') }}
),

all_rows as (
    select * from query_rows
    union all
    select * from file_rows
),

candidates as (
    select
        billing_account_id,
        window_month as billing_month,
        route,
        scope_kind,
        cast(sum(cost) filter (where view = 'actual') as decimal(38, 12)) as landed_cost,
        count(*) filter (where view = 'actual') as billed_rows,
        count(*) filter (where view = 'amortized') > 0 as has_effective_cost,
        -- a file without its manifest, or a part of the account, does not say that it is the whole bill
        scope_kind in ('billing_account', 'billing_profile') as covers_the_account,
        max(charge_date) filter (where charge_type = 'Usage') as known_through,
        case route when 'export' then 1 when 'focus' then 2 when 'details' then 3 else 4 end as position
    from all_rows
    group by billing_account_id, window_month, route, scope_kind
),

-- a route that stopped days ago does not hide one that goes on
judged as (
    select
        *,
        coalesce(
            known_through >= max(known_through) over (partition by billing_account_id, billing_month) - 2,
            known_through is not distinct from max(known_through) over (partition by billing_account_id, billing_month)
        ) as is_current
    from candidates
),

ranked as (
    select
        *,
        row_number() over (
            partition by billing_account_id, billing_month
            order by
                billed_rows > 0 desc,
                covers_the_account desc,
                is_current desc,
                has_effective_cost desc,
                position asc,
                billed_rows desc,
                scope_kind asc
        ) as place
    from judged
)

select
    billing_account_id,
    billing_month,
    route,
    scope_kind,
    landed_cost,
    has_effective_cost,
    covers_the_account,
    known_through,
    place = 1 and billed_rows > 0 as is_chosen
from ranked
