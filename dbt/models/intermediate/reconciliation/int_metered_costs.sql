with

usage as (
    select * from {{ ref('int_usage_daily') }}
),

gcp_details as (
    select * from {{ ref('int_gcp_meter_details') }}
),

-- a provisioned model and a PTU deployment are the capacity: nothing of theirs is paid by the token
capacity_workloads as (
    select
        provider,
        workload_id
    from {{ ref('int_capacity_hourly') }}
    where provider in ('aws', 'azure')
    group by provider, workload_id
),

billed_accounts as (
    select * from {{ ref('int_azure_billed_accounts') }}
),

prices as (
    select * from {{ ref('dim_price') }}
    where service_tier = 'standard' and context_band = 'default'
),

token_classes as (
    select unnest(['input', 'output', 'cache_read', 'cache_write_5m']) as token_class
),

-- four rows per usage row, one per token class
classed as (
    select
        usage.provider,
        usage.billing_account_id,
        usage.usage_date,
        usage.sub_account_id,
        usage.region_id,
        usage.region_class,
        {{ reconciled_workload('usage.workload_id', 'billed_accounts.account_id') }} as workload_id,
        usage.provider_model_name,
        usage.model,
        usage.input_is_total,
        token_classes.token_class,
        case token_classes.token_class
            when 'input' then usage.input_tokens
            when 'output' then usage.output_tokens
            when 'cache_read' then usage.cache_read_tokens
            else usage.cache_write_tokens
        end as all_tokens
    from usage
    cross join token_classes
    -- a workload is capacity or not, an account and model stand once: the joins change no row count
    left join capacity_workloads
        on usage.provider = capacity_workloads.provider and usage.workload_id = capacity_workloads.workload_id
    left join billed_accounts
        on
            usage.provider = 'azure'
            and split_part(usage.workload_id, '/', 1) = billed_accounts.account_id
            and usage.model = billed_accounts.model
    where capacity_workloads.workload_id is null
),

-- one row per meter and day, and one price per region, class and day: the joins change no row count
priced as (
    select
        classed.*,
        classed.all_tokens - coalesce(gcp_details.dedicated_tokens, 0) as tokens,
        coalesce(gcp_details.early_tokens, 0) as early_tokens,
        prices.contract_usd_per_mtok as usd_per_mtok
    from classed
    left join gcp_details
        on
            classed.provider = 'gcp'
            and classed.sub_account_id = gcp_details.project_id
            and classed.region_id = gcp_details.region_id
            and classed.provider_model_name = gcp_details.provider_model_name
            and classed.usage_date = gcp_details.usage_date
            and classed.token_class = gcp_details.token_class
    left join prices on {{ priced_on('prices', 'classed', 'classed.region_class', "'standard'", "'default'") }}
),

metered as (
    select
        provider,
        billing_account_id,
        usage_date,
        workload_id,
        model,
        token_class,
        max(sub_account_id) as sub_account_id,
        bool_or(input_is_total) as input_is_total,
        cast(sum(tokens) as bigint) as metered_tokens,
        cast(sum(early_tokens) as bigint) as early_tokens,
        -- where a workload calls several regions at different prices, that of most tokens
        {{ of_largest('usd_per_mtok', 'tokens') }} as metered_usd_per_mtok,
        {{ known_sum(class_cost('tokens', 'usd_per_mtok')) }} as metered_cost_usd
    from priced
    where tokens is not null
    group by provider, billing_account_id, usage_date, workload_id, model, token_class
)

select * from metered
