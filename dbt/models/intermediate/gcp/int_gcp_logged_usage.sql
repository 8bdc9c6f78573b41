with

requests as (
    select * from {{ ref('stg_gcp_request_log__requests') }}
),

projects as (
    select * from {{ ref('int_gcp_projects') }}
),

model_names as (
    select * from {{ ref('gcp_model_names') }}
    where name_kind = 'metric'
),

-- zeros are left out of an entry, so a model whose requests ever tell cached tokens tells them always
told_apart as (
    select
        project_id,
        provider_model_name
    from requests
    where cache_read_tokens is not null
    group by project_id, provider_model_name
),

-- labels of the request reach the bill as well and come first; those of the header are in the log alone
tagged as (
    select
        requests.*,
        told_apart.project_id is not null as knows_cached,
        coalesce({{ tag_value('requests.request_labels', 'team') }}, {{ tag_value('requests.header_labels', 'team') }})
            as native_team,
        coalesce(
            {{ tag_value('requests.request_labels', 'product') }}, {{ tag_value('requests.header_labels', 'product') }}
        ) as native_product,
        coalesce(
            {{ tag_value('requests.request_labels', 'environment') }},
            {{ tag_value('requests.header_labels', 'environment') }}
        ) as native_environment
    from requests
    left join told_apart
        on
            requests.project_id = told_apart.project_id
            and requests.provider_model_name = told_apart.provider_model_name
),

hourly as (
    select
        project_id,
        region_id,
        hour_start,
        provider_model_name,
        native_team,
        native_product,
        native_environment,
        knows_cached,
        cast(sum(input_tokens) as bigint) as input_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        count(*) filter (where is_answered) as request_count,
        count(*) filter (where not is_answered) as error_count
    from tagged
    group by all
),

-- projects and names are unique: the joins change no row count
logged as (
    select
        'gcp_request_log' as source,
        'gcp' as provider,
        projects.billing_account_id,
        hourly.project_id as sub_account_id,
        hourly.region_id,
        hourly.project_id as workload_id,
        hourly.hour_start,
        hourly.provider_model_name,
        model_names.model,
        cast(null as varchar) as key_id,
        cast(null as varchar) as principal,
        hourly.native_team,
        hourly.native_product,
        hourly.native_environment,
        -- an hour in which nothing was answered used no token
        coalesce(hourly.input_tokens, 0) as input_tokens,
        case when hourly.knows_cached then coalesce(hourly.cache_read_tokens, 0) end as cache_read_tokens,
        case when hourly.knows_cached then coalesce(hourly.cache_write_tokens, 0) end as cache_write_tokens,
        coalesce(hourly.output_tokens, 0) as output_tokens,
        not hourly.knows_cached as input_is_total,
        hourly.request_count,
        hourly.error_count,
        cast(null as decimal(38, 12)) as logged_cost_usd
    from hourly
    left join projects
        on hourly.project_id = projects.project_id
    left join model_names
        on hourly.provider_model_name = model_names.provider_model_name
)

select * from logged
