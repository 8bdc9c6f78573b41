with

things as (
    select * from {{ ref('int_owned_things') }}
)

select
    thing_id,
    provider,
    billing_account_id,
    sub_account_id,
    region_id,
    service_name,
    resource_id,
    workload_id,
    profile_name,
    model,
    principal,
    key_id,
    carried_tags,
    first_day,
    last_day
from things
