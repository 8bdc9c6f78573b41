{{ config(
    materialized='incremental',
    meta={
        'part': 'charge_date',
        'built_from': {
            'int_aws_bill_days': 'usage_date', 'int_aws_workloads': 'whole', 'int_aws_principal_tags': 'whole',
            'stg_config__tag_synonyms': 'whole',
        },
    },
    **by_part()
) }}

with

bill_days as (
    select * from {{ ref('int_aws_bill_days') }}
    where {{ is_changed_part('usage_date') }}
),

workloads as (
    select * from {{ ref('int_aws_workloads') }}
),

-- few tag sets stand on many rows, so each is read once
tag_sets as (
    select
        resource_tags,
        {{ tag_value('resource_tags', 'team') }} as tag_team,
        {{ tag_evidence('resource_tags', 'team') }} as tag_evidence,
        {{ tag_value('resource_tags', 'product') }} as tag_product,
        {{ tag_value('resource_tags', 'environment') }} as tag_environment,
        {{ tags_json('resource_tags') }} as tags,
        {{ carried_tags([('profile_tag', 'resource_tags')]) }} as carried_tags
    from bill_days
    group by resource_tags
),

principals as (
    select * from {{ ref('int_aws_principal_tags') }}
),

-- a resource is one workload, a tag set stands once: the joins change no row count
charges as (
    select
        bill_days.usage_date as charge_date,
        bill_days.billing_month,
        'aws' as provider,
        bill_days.payer_account_id as billing_account_id,
        bill_days.usage_account_id as sub_account_id,
        bill_days.region_id,
        bill_days.product_name as service_name,
        cast(null as varchar) as service_id,
        bill_days.usage_type as sku,
        bill_days.product_code as product_family,
        bill_days.resource_id,
        coalesce(
            workloads.workload_id,
            case when bill_days.is_bedrock then nullif(regexp_extract(bill_days.resource_id, '[^/]+$'), '') end
        ) as workload_id,
        bill_days.principal,
        coalesce(tag_sets.tag_team, workloads.native_team) as tagged_team,
        coalesce(tag_sets.tag_product, workloads.native_product) as tagged_product,
        coalesce(tag_sets.tag_environment, workloads.native_environment) as tagged_environment,
        coalesce(tag_sets.tag_evidence, workloads.native_evidence) as tagged_evidence,
        principals.* exclude (other_tags, carried_tags),
        {{ joined_tag_sets([
            'tag_sets.carried_tags', 'nullif(workloads.carried_tags, tag_sets.carried_tags)', 'principals.carried_tags'
        ]) }} as carried_tags,
        bill_days.provider_model_name,
        bill_days.model,
        bill_days.token_class,
        -- what a token price depends on; other rows have none
        case when bill_days.token_class <> 'other' then bill_days.routing end as region_class,
        bill_days.service_tier,
        case when bill_days.token_class <> 'other' then if(bill_days.is_long_context, 'long', 'default') end
            as context_band,
        {{ aws_pricing_category('bill_days.usage_type') }} as pricing_category,
        {{ aws_charge_category('bill_days.line_item_type') }} as charge_category,
        case when bill_days.is_final then 'final' else 'provisional' end as cost_status,
        bill_days.currency_code as billing_currency,
        case when bill_days.currency_code = 'USD' then cast(1 as decimal(18, 12)) end as usd_per_currency,
        bill_days.unblended_cost as billed_cost,
        bill_days.net_cost as effective_cost,
        bill_days.list_cost,
        -- a discount row repeats the tokens of the usage it belongs to
        case when bill_days.line_item_type = 'Usage' then bill_days.tokens end as consumed_tokens,
        bill_days.invoice_id,
        bill_days.sku_id,
        bill_days.charge_class,
        {{ aws_priced('bill_days', aws_pricing_quantity('bill_days')) }} as pricing_quantity,
        {{ aws_priced('bill_days', aws_pricing_unit('bill_days')) }} as pricing_unit,
        bill_days.usage_account_name as sub_account_name,
        cast(null as varchar) as commitment_id,
        tag_sets.tags
    from bill_days
    left join tag_sets on bill_days.resource_tags is not distinct from tag_sets.resource_tags
    left join principals on bill_days.other_tags is not distinct from principals.other_tags
    left join workloads on bill_days.resource_id = workloads.resource_id
)

-- the resource's tags and the caller's speak of the same dollars: the caller's count where no resource tag names a team
select
    * exclude (
        tagged_team, tagged_product, tagged_environment, tagged_evidence, principal_team, principal_product,
        principal_environment, principal_evidence
    ),
    coalesce(tagged_team, principal_team) as native_team,
    case when tagged_team is not null then tagged_evidence else principal_evidence end as native_evidence,
    coalesce(tagged_product, case when tagged_team is null then principal_product end) as native_product,
    coalesce(tagged_environment, case when tagged_team is null then principal_environment end) as native_environment,
    case
        when tagged_team is not null then 'profile_tag'
        when principal_team is not null then 'principal'
        when coalesce(tagged_product, tagged_environment) is not null then 'profile_tag'
        when coalesce(principal_product, principal_environment) is not null then 'principal'
    end as native_method
from charges
