with

gsu_points as (
    select * from {{ ref('stg_gcp_vertex__gsu_points') }}
    where metric = 'dedicated_gsu_limit' and units > 0
),

model_names as (
    select * from {{ ref('gcp_model_names') }}
    where name_kind = 'metric'
),

-- the bill does not name the model of an order; where a project ever held one only, there is no doubt
single_models as (
    select
        project_id,
        min(provider_model_name) as provider_model_name
    from gsu_points
    group by project_id
    having count(distinct provider_model_name) = 1
),

named as (
    select
        single_models.project_id,
        single_models.provider_model_name,
        model_names.model
    from single_models
    left join model_names
        on single_models.provider_model_name = model_names.provider_model_name
)

select * from named
