with

models as (
    select * from {{ ref('models') }}
),

prices as (
    select * from {{ ref('stg_prices__list_prices') }}
),

sellers as (
    select
        model,
        bool_or(provider = 'aws') as is_on_aws,
        bool_or(provider = 'gcp') as is_on_gcp,
        bool_or(provider = 'azure') as is_on_azure
    from prices
    group by model
),

-- one row per model, sold or not: the join changes no row count
described as (
    select
        models.model,
        models.model_name,
        models.developer,
        models.family,
        models.version,
        sellers.is_on_aws is true as is_priced_on_aws,
        sellers.is_on_gcp is true as is_priced_on_gcp,
        sellers.is_on_azure is true as is_priced_on_azure
    from models
    left join sellers on models.model = sellers.model
)

select * from described
