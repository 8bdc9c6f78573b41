with

capacity as (
    select * from {{ ref('int_capacity_priced') }}
),

-- hours whose use, cost and token mix are all known carry the break-even of the 28 days before them
observed as (
    select
        *,
        utilization_ratio is not null
        and capacity_cost_usd is not null
        and on_demand_equivalent_usd is not null as is_observed
    from capacity
),

trailing_sums as (
    select
        *,
        sum(capacity_cost_usd) filter (where is_observed) over trailing_days as trailing_cost_usd,
        sum(on_demand_equivalent_usd) filter (where is_observed) over trailing_days as trailing_on_demand_usd,
        sum(units) filter (where is_observed) over trailing_days as trailing_units,
        sum(cast(units * utilization_ratio as decimal(38, 18))) filter (where is_observed)
            over trailing_days as trailing_used_units
    from observed
    window
        trailing_days as (
            partition by capacity_id, model
            order by hour_start
            range between interval '28 days' preceding and current row
        )
),

hourly as (
    select
        capacity_id,
        provider,
        billing_account_id,
        sub_account_id,
        workload_id,
        model,
        hour_start,
        unit_kind,
        units,
        utilization_ratio,
        -- on-demand worth of an average hour at full use, against what an average hour of the capacity costs
        try_cast(
            cast(trailing_cost_usd as double) * cast(trailing_used_units as double)
            / nullif(cast(trailing_on_demand_usd as double) * cast(trailing_units as double), 0)
            as decimal(18, 12)
        ) as break_even_ratio,
        advertised_break_even_low,
        advertised_break_even_high,
        capacity_cost_usd,
        used_cost_usd,
        cast(capacity_cost_usd - used_cost_usd as decimal(38, 12)) as idle_cost_usd,
        on_demand_equivalent_usd,
        spill_cost_usd
    from trailing_sums
)

select * from hourly
