with

units as (
    select * from {{ ref('int_gcp_capacity_units') }}
),

token_counts as (
    select * from {{ ref('stg_gcp_vertex__token_counts') }}
),

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
),

projects as (
    select * from {{ ref('int_gcp_projects') }}
),

burndown_rates as (
    select * from {{ ref('gcp_burndown_rates') }}
),

metered as (
    select
        project_id,
        region_id,
        provider_model_name,
        hour_start,
        cast(sum(if(request_type = 'dedicated' and direction <> 'output', tokens, 0)) as bigint) as served_prompt,
        cast(sum(if(request_type = 'dedicated' and direction = 'output', tokens, 0)) as bigint) as served_output,
        cast(sum(if(request_type <> 'dedicated', tokens, 0)) as bigint) as spilled
    from token_counts
    group by project_id, region_id, provider_model_name, hour_start
),

-- spilled tokens are on the bill by class, cached ones apart; the bill comes a day later
billed_spill as (
    select
        project_id,
        model,
        usage_start_at as hour_start,
        cast(sum(if(token_class = 'input', consumed_tokens, 0)) as bigint) as input_tokens,
        cast(sum(if(token_class = 'cache_read', consumed_tokens, 0)) as bigint) as cached_tokens,
        cast(sum(if(token_class = 'output', consumed_tokens, 0)) as bigint) as output_tokens
    from bill_rows
    where consumed_tokens is not null and charge_category = 'Usage'
    group by project_id, model, usage_start_at
),

-- burned = (prompt - cached) + cached_weight x cached + output_weight x output, solved for cached: the meters give all
-- others. Whole tokens, and never outside of what can be.
served as (
    select
        units.*,
        metered.served_output,
        metered.spilled,
        metered.served_prompt,
        greatest(0, least(
            metered.served_prompt,
            cast(
                round(
                    (metered.served_prompt + burndown_rates.output_weight * metered.served_output - units.burned_tokens)
                    / (1 - burndown_rates.cached_weight)
                ) as bigint
            )
        )) as served_cached
    from units
    left join metered
        on
            units.project_id = metered.project_id
            and units.region_id = metered.region_id
            and units.provider_model_name = metered.provider_model_name
            and units.hour_start = metered.hour_start
    left join burndown_rates
        on units.model = burndown_rates.model
),

capacity as (
    select
        served.capacity_id,
        'gcp' as provider,
        coalesce(served.billing_account_id, projects.billing_account_id) as billing_account_id,
        served.project_id as sub_account_id,
        served.project_id as workload_id,
        served.region_id,
        served.hour_start,
        'gsu' as unit_kind,
        cast(served.gsus as decimal(18, 6)) as units,
        served.model,
        case when served.region_id = 'global' then 'global' else 'regional' end as price_scope,
        -- whole-number division: exact to twelve decimals, bursts above the limit count as full
        -- `least` passes over NULL: without a limit the use is unknown, not full
        case when served.tokens_per_second > 0 then cast(
            least(
                cast(served.burned_tokens as hugeint) * 1000000000000 // (served.tokens_per_second * 3600),
                1000000000000
            ) * cast(0.000000000001 as decimal(13, 12)) as decimal(18, 12)
        ) end as utilization_ratio,
        served.capacity_cost_usd,
        case when served.gsus is not null then coalesce(served.served_prompt, 0) - coalesce(served.served_cached, 0) end
            as input_tokens,
        case when served.gsus is not null then coalesce(served.served_cached, 0) end as cached_tokens,
        case when served.gsus is not null then coalesce(served.served_output, 0) end as output_tokens,
        case when coalesce(served.spilled, 0) = 0 and served.gsus is not null then 0 else billed_spill.input_tokens end
            as spill_input_tokens,
        case when coalesce(served.spilled, 0) = 0 and served.gsus is not null then 0 else billed_spill.cached_tokens end
            as spill_cached_tokens,
        case when coalesce(served.spilled, 0) = 0 and served.gsus is not null then 0 else billed_spill.output_tokens end
            as spill_output_tokens
    from served
    left join projects
        on served.project_id = projects.project_id
    left join billed_spill
        on
            served.project_id = billed_spill.project_id
            and served.model = billed_spill.model
            and served.hour_start = billed_spill.hour_start
)

select * from capacity
