select
    lower(subscription_id) as sub_account_id,
    lower(account_id) as resource_id,
    lower(account_name) as account_name,
    account_kind,
    replace(lower(account_location), ' ', '') as region_id,
    account_tags,
    lower(name) as deployment_name,
    sku_name,
    sku_capacity,
    model_name,
    model_version,
    lower(nullif(trim(spillover_deployment_name), '')) as spillover_deployment_name,
    lower(nullif(trim(parent_deployment_name), '')) as parent_deployment_name,
    tags as deployment_tags,
    cast(_window_start as date) as snapshot_date
from {{ source('azure_openai', 'deployments') }}
