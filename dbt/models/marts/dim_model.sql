with

models as (
    select * from {{ ref('models') }}
),

prices as (
    select * from {{ ref('stg_prices__list_prices') }}
),

names as (
    select * from {{ ref('dim_model_name') }}
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

called as (
    select
        model,
        string_agg(distinct provider, ', ' order by provider) as named_by,
        count(*) as name_count
    from names
    group by model
),

-- one row per model, sold or not, named or not: the joins change no row count
described as (
    select
        models.model,
        models.model_name,
        models.developer,
        models.family,
        models.version,
        called.named_by,
        cast(coalesce(called.name_count, 0) as bigint) as name_count,
        sellers.is_on_aws is true as is_priced_on_aws,
        sellers.is_on_gcp is true as is_priced_on_gcp,
        sellers.is_on_azure is true as is_priced_on_azure
    from models
    left join sellers on models.model = sellers.model
    left join called on models.model = called.model
)

select * from described
