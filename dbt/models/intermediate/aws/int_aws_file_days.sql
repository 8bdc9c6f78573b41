{% set dimensions %}
    bill_file, route_rank, is_foreign, payer_account_id, usage_account_id, invoice_id, resource_id, charge_class, billing_entity,
    line_item_type, product_code, product_name, usage_type, region_code, pricing_unit, resource_tags, other_tags, currency_code,
    billing_month
{% endset %}
-- the raw rows are many: of a file that has not changed none is read again
-- depends_on: {{ ref('stg_aws_cur__files') }}
{{ config(
    materialized='incremental',
    meta={
        'part': 'bill_file',
        'part_type': 'varchar',
        'built_from': {'stg_aws_cur__files': 'bill_file', 'int_aws_line_items': 'covered'},
    },
    **by_part()
) }}

with

-- tokens need each row's own unit, so they are counted first
line_items as (
    select
        *,
        {{ aws_tokens('usage_amount', 'pricing_unit') }} as tokens
    from {{ ref('int_aws_line_items') }}
    where {{ is_changed_part('bill_file') }}
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
        max(usage_end_at) as usage_end_at,
        max(loaded_at) as loaded_at
    from line_items
    group by {{ dimensions }}, {{ aws_role('iam_principal') }}, cast(usage_start_at as date)
)

select * from days
