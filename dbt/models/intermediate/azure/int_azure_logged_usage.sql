with

calls as (
    select * from {{ ref('int_azure_gateway_calls') }}
),

keys as (
    select * from {{ ref('stg_azure_gateway_log__subscriptions') }}
),

-- two accounts of one name in two subscriptions cannot be told apart by an endpoint
deployments as (
    select *
    from {{ ref('int_azure_deployments') }}
    qualify count(*) over (partition by account_name, deployment_name) = 1
),

names as (
    select * from {{ ref('azure_model_names') }}
    where name_kind = 'deployment'
),

billing_accounts as (
    select * from {{ ref('int_azure_billing_accounts') }}
),

-- where the log does not tell the account, a name that only one account has tells it
only_ones as (
    select
        deployment_name,
        min(account_name) as account_name
    from deployments
    group by deployment_name
    having count(*) = 1
),

placed as (
    select
        calls.*,
        coalesce(calls.account_name, only_ones.account_name) as deployed_account_name
    from calls
    left join only_ones
        on calls.deployment_name = only_ones.deployment_name
),

-- an answer names the model with its date
dated as (
    select
        *,
        regexp_replace(provider_model_name, '-\d{4}-\d{2}-\d{2}$', '') as undated_model_name
    from placed
),

-- each right side has at most one row per key: the joins change no row count
described as (
    select
        'azure_gateway_log' as source,
        'azure' as provider,
        billing_accounts.billing_account_id,
        deployments.sub_account_id,
        deployments.region_id,
        dated.deployed_account_name || '/' || dated.deployment_name as workload_id,
        dated.hour_start,
        coalesce(dated.provider_model_name, deployments.provider_model_name) as provider_model_name,
        coalesce(deployments.model, names.model) as model,
        dated.key_id,
        dated.user_id as principal,
        coalesce(dated.team, keys.team) as native_team,
        coalesce(dated.product, keys.product) as native_product,
        coalesce(dated.environment, keys.environment) as native_environment,
        dated.prompt_tokens - coalesce(dated.cached_tokens, 0) as input_tokens,
        dated.cached_tokens as cache_read_tokens,
        dated.output_tokens,
        dated.cached_tokens is null as input_is_total,
        dated.request_count,
        dated.error_count
    from dated
    left join keys
        on dated.gateway = keys.gateway and dated.key_id = keys.key_id
    left join deployments
        on dated.deployed_account_name = deployments.account_name and dated.deployment_name = deployments.deployment_name
    left join names
        on dated.undated_model_name = names.provider_model_name
    left join billing_accounts
        on deployments.sub_account_id = billing_accounts.sub_account_id
)

select
    source,
    provider,
    billing_account_id,
    sub_account_id,
    region_id,
    workload_id,
    hour_start,
    provider_model_name,
    model,
    key_id,
    principal,
    native_team,
    native_product,
    native_environment,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    cast(null as bigint) as cache_write_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens,
    input_is_total,
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(error_count) as bigint) as error_count,
    cast(null as decimal(38, 12)) as logged_cost_usd
from described
group by
    source, provider, billing_account_id, sub_account_id, region_id, workload_id, hour_start, provider_model_name, model,
    key_id, principal, native_team, native_product, native_environment, input_is_total
