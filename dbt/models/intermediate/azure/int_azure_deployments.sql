with

snapshots as (
    select * from {{ ref('stg_azure_openai__deployments') }}
    where deployment_name is not null
),

names as (
    select * from {{ ref('azure_model_names') }}
    where name_kind = 'deployment'
),

-- the newest snapshot that shows a deployment is the last that is known of it
newest as (
    select *
    from snapshots
    qualify row_number() over (
        partition by resource_id, deployment_name
        order by snapshot_date desc
    ) = 1
),

-- names are unique in the seed: the join changes no row count
described as (
    select
        newest.sub_account_id,
        newest.resource_id,
        newest.account_name,
        newest.deployment_name,
        newest.account_name || '/' || newest.deployment_name as workload_id,
        newest.region_id,
        newest.sku_name,
        newest.model_name as provider_model_name,
        names.model,
        newest.spillover_deployment_name,
        newest.account_tags,
        newest.deployment_tags,
        newest.sku_capacity,
        {{ azure_price_scope('newest.sku_name') }} as price_scope,
        {{ azure_billing_kind('newest.sku_name') }} as billing_kind
    from newest
    left join names
        on newest.model_name = names.provider_model_name
)

select * from described
