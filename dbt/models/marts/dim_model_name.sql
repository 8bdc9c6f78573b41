{% set columns = "name_kind, provider_model_name, model, source, as_of" %}

with

aws_names as (
    select
        'aws' as provider,
        {{ columns }}
    from {{ ref('aws_model_names') }}
),

gcp_names as (
    select
        'gcp' as provider,
        {{ columns }}
    from {{ ref('gcp_model_names') }}
),

azure_names as (
    select
        'azure' as provider,
        {{ columns }}
    from {{ ref('azure_model_names') }}
),

names as (
    select * from aws_names
    union all
    select * from gcp_names
    union all
    select * from azure_names
)

select * from names
