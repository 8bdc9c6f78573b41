{% set dimensions %}
    charge_date, billing_month, billing_account_id, project_id, region_id, service_name, service_id, sku, resource_id,
    provider_model_name, model, token_class, pricing_category, charge_category, billing_currency, usd_per_currency,
    region_scope, context_band, request_labels, project_labels, sku_id, charge_class, pricing_unit
{% endset %}

with

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
),

credits as (
    select * from {{ ref('int_gcp_credits') }}
),

capacity_models as (
    select * from {{ ref('int_gcp_capacity_models') }}
),

-- credits stand beside what they lower, with no list price and no tokens of their own
stacked as (
    select
        {{ dimensions }},
        cost as billed_cost,
        list_cost,
        consumed_tokens,
        pricing_amount,
        project_name
    from bill_rows
    union all
    select
        {{ dimensions }},
        amount as billed_cost,
        cast(0 as decimal(38, 12)) as list_cost,
        cast(null as bigint) as consumed_tokens,
        cast(null as double) as pricing_amount,
        project_name
    from credits
),

daily as (
    select
        {{ dimensions }},
        cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
        {{ known_sum('list_cost') }} as list_cost,
        cast(sum(consumed_tokens) as bigint) as consumed_tokens,
        -- nine decimals leave the binary digits of a double out
        cast(sum(cast(pricing_amount as decimal(38, 9))) as decimal(38, 12)) as pricing_amount,
        min(project_name) as project_name
    from stacked
    group by {{ dimensions }}
),

-- request labels say more than the labels of the project; a throughput order's model is known where the project has one
tagged as (
    select
        daily.* exclude (model, provider_model_name),
        case
            when daily.pricing_category = 'provisioned' then capacity_models.provider_model_name
            else daily.provider_model_name
        end as provider_model_name,
        case when daily.pricing_category = 'provisioned' then capacity_models.model else daily.model end as model,
        {{ tag_value('daily.request_labels', 'team') }} as request_team,
        {{ tag_value('daily.project_labels', 'team') }} as project_team,
        coalesce({{ tag_evidence('daily.request_labels', 'team') }}, {{ tag_evidence('daily.project_labels', 'team') }})
            as native_evidence,
        coalesce({{ tag_value('daily.request_labels', 'product') }}, {{ tag_value('daily.project_labels', 'product') }})
            as native_product,
        coalesce(
            {{ tag_value('daily.request_labels', 'environment') }}, {{ tag_value('daily.project_labels', 'environment') }}
        ) as native_environment,
        {{ carried_tags([
            ('request_label', 'daily.request_labels'), ('resource_tag', 'daily.project_labels')
        ]) }} as carried_tags
    from daily
    left join capacity_models
        on daily.project_id = capacity_models.project_id
),

charges as (
    select
        * exclude (
            project_id, project_name, request_team, project_team, region_scope, context_band, pricing_amount,
            pricing_unit, request_labels, project_labels
        ),
        'gcp' as provider,
        project_id as sub_account_id,
        cast(null as varchar) as product_family,
        project_id as workload_id,
        coalesce(request_team, project_team) as native_team,
        case
            when request_team is not null then 'request_label'
            when project_team is not null then 'resource_tag'
        end as native_method,
        -- what a token price depends on; other rows have none
        case when token_class <> 'other' then coalesce(region_scope, if(region_id = 'global', 'global', 'regional')) end
            as region_class,
        nullif(replace(pricing_category, 'on_demand', 'standard'), 'other') as service_tier,
        case when token_class <> 'other' then context_band end as context_band,
        -- Google closes an invoice in the first days of the next month; later corrections go to later months
        case
            when billing_month + interval '1 month 7 days' <= timestamp '{{ var("as_of") }}' then 'final'
            else 'provisional'
        end as cost_status,
        billed_cost as effective_cost,
        cast(null as varchar) as invoice_id,
        case when charge_category = 'Usage' then {{ gcp_pricing_quantity() }} end as pricing_quantity,
        case when charge_category = 'Usage' then {{ gcp_pricing_unit() }} end as pricing_unit,
        project_name as sub_account_name,
        cast(null as varchar) as commitment_id,
        {{ tags_json('map_concat(project_labels, request_labels)') }} as tags
    from tagged
)

select * from charges
