with

logged as (
    select * from {{ ref('int_logged_usage') }}
),

owners as (
    select * from {{ ref('int_owners_daily') }}
),

-- at most one owner per thing and day: the join changes no row count
owned as (
    select
        logged.*,
        case when logged.native_team is not null then 'request_label' end as native_method,
        owners.team as owner_team,
        owners.product as owner_product,
        owners.environment as owner_environment,
        owners.method as owner_method
    from logged
    left join owners on logged.thing_id = owners.thing_id and cast(logged.hour_start as date) = owners.owned_date
),

attributed as (
    select
        * exclude (owner_team, owner_product, owner_environment, owner_method),
        {{ attribution() }}
    from owned
),

log_days as (
    select
        provider,
        sub_account_id,
        workload_id,
        cast(hour_start as date) as logged_date,
        source
    from attributed
    where attribution_method in ('request_label', 'principal')
    group by provider, sub_account_id, workload_id, cast(hour_start as date), source
    qualify
        row_number() over (
            partition by provider, sub_account_id, workload_id, cast(hour_start as date)
            order by sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) desc, source
        ) = 1
)

-- of several logs of one workload and day the one that saw the most tokens of named callers counts: at most one a day
select
    attributed.*,
    log_days.source is not null as is_counted
from attributed
left join log_days
    on
        attributed.provider = log_days.provider
        and attributed.sub_account_id is not distinct from log_days.sub_account_id
        and attributed.workload_id = log_days.workload_id
        and cast(attributed.hour_start as date) = log_days.logged_date
        and attributed.source = log_days.source
