-- every plain name that means one model and no other, from the seeds of the clouds and the models themselves
with

models as (
    select * from {{ ref('models') }}
),

aws_names as (
    select * from {{ ref('aws_model_names') }}
    where name_kind = 'model_id'
),

gcp_names as (
    select * from {{ ref('gcp_model_names') }}
    where name_kind = 'metric'
),

azure_names as (
    select * from {{ ref('azure_model_names') }}
    where name_kind = 'deployment'
),

stacked as (
    select
        lower(model) as plain_name,
        model
    from models
    union all
    select
        {{ plain_model_name('provider_model_name') }} as plain_name,
        model
    from aws_names
    union all
    select
        {{ plain_model_name('provider_model_name') }} as plain_name,
        model
    from gcp_names
    union all
    select
        {{ plain_model_name('provider_model_name') }} as plain_name,
        model
    from azure_names
),

names as (
    select
        plain_name,
        min(model) as model
    from stacked
    group by plain_name
    having count(distinct model) = 1
)

select * from names
