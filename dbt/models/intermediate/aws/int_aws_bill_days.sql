{% set dimensions %}
    payer_account_id, usage_account_id, invoice_id, resource_id, charge_class, billing_entity, line_item_type,
    product_code, product_name, usage_type, region_code, pricing_unit, resource_tags, other_tags, currency_code,
    billing_month, bill_file, is_foreign
{% endset %}

with

-- tokens need each row's own unit, so they are counted first
line_items as (
    select
        *,
        {{ aws_tokens('usage_amount', 'pricing_unit') }} as tokens
    from {{ ref('int_aws_line_items') }}
),

counted as (
    select
        bill_file,
        payer_account_id,
        billing_month
    from {{ ref('int_aws_bill_routes') }}
    where is_counted
    group by bill_file, payer_account_id, billing_month
),

-- one row per day of what was one row per hour
days as (
    select
        {{ dimensions }},
        {{ aws_role('iam_principal') }} as principal,
        cast(usage_start_at as date) as usage_date,
        cast(sum(tokens) as bigint) as unit_tokens,
        -- what is counted in something else than tokens; nine decimals leave the binary digits of a double out
        cast(sum(case when tokens is null then cast(usage_amount as decimal(38, 9)) end) as decimal(38, 12)) as other_quantity,
        cast(sum(unblended_cost) as decimal(38, 12)) as unblended_cost,
        cast(sum(coalesce(net_unblended_cost, unblended_cost)) as decimal(38, 12)) as net_cost,
        {{ known_sum('public_on_demand_cost') }} as list_cost,
        min(sku_id) as sku_id,
        min(usage_account_name) as usage_account_name,
        count(*) as line_item_count,
        case when invoice_id is null then 0 else count(*) end as invoiced_count,
        max(usage_end_at) as usage_end_at
    from line_items
    group by {{ dimensions }}, {{ aws_role('iam_principal') }}, cast(usage_start_at as date)
),

-- one way per payer and month counts; a file stands once for both: the join adds no row
counted_days as (
    select days.* exclude (bill_file, is_foreign)
    from days
    inner join counted
        on
            days.bill_file = counted.bill_file
            and days.payer_account_id = counted.payer_account_id
            and days.billing_month = counted.billing_month
    where not days.is_foreign
),

prefixes as (
    select * from {{ ref('aws_region_prefixes') }}
),

classified as (
    select
        counted_days.*,
        coalesce(counted_days.region_code, prefixes.region_id) as region_id,
        {{ aws_is_bedrock('counted_days.billing_entity', 'counted_days.product_code', 'counted_days.product_name') }} as is_bedrock,
        case
            when counted_days.billing_entity = 'AWS Marketplace' then counted_days.product_name
            else {{ aws_billing_name('counted_days.usage_type') }}
        end as billed_model_name,
        case
            when counted_days.billing_entity = 'AWS Marketplace' then 'product_name'
            when contains(counted_days.usage_type, '-mantle-') then 'model_id'
            else 'billing_name'
        end as name_kind,
        {{ aws_token_class('counted_days.usage_type') }} as usage_token_class,
        {{ aws_routing('counted_days.usage_type', 'counted_days.resource_id') }} as routing,
        {{ aws_service_tier('counted_days.usage_type') }} as service_tier,
        regexp_matches(lower(counted_days.usage_type), 'long[-_ ]?(context|ctx)|_lctx') as is_long_context
    from counted_days
    -- a prefix names one region: the join changes no row count
    left join prefixes
        on split_part(counted_days.usage_type, '-', 1) = prefixes.prefix
),

names as (
    select * from {{ ref('aws_model_names') }}
),

-- a name of a kind means one model at most: the join changes no row count
named as (
    select
        classified.* exclude (billed_model_name, name_kind, usage_token_class),
        case when classified.is_bedrock then classified.billed_model_name end as provider_model_name,
        names.model,
        classified.routing = 'global' as is_global,
        case when classified.is_bedrock then classified.usage_token_class else 'other' end as token_class,
        case
            when classified.is_bedrock and classified.usage_token_class <> 'other' then classified.unit_tokens
        end as tokens
    from classified
    left join names
        on
            classified.is_bedrock
            and classified.name_kind = names.name_kind
            and classified.billed_model_name = names.provider_model_name
)

select * from named
