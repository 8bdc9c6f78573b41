-- a view: the raw rows are read in place by what sums them up, copying them costs many times that
{{ config(materialized='view') }}

{% set columns %}
    payer_account_id, usage_account_id, invoice_id, resource_id, iam_principal, sku_id, usage_account_name, charge_class, billing_entity, line_item_type,
    product_code, product_name, usage_type, operation, region_code, pricing_unit, resource_tags, other_tags,
    usage_amount, currency_code, unblended_cost, net_unblended_cost, public_on_demand_cost, is_foreign, billing_month,
    usage_start_at, usage_end_at, bill_file, loaded_at
{% endset %}

with

cur2 as (
    select
        {{ columns }}
    from {{ ref('stg_aws_cur__line_items') }}
    union all
    select
        {{ columns }}
    from {{ ref('stg_aws_cur__text_line_items') }}
),

legacy as (
    select
        {{ columns }}
    from {{ ref('stg_aws_cur__legacy_line_items') }}
),

focus_1_2 as (
    select
        {{ columns }}
    from {{ ref('stg_aws_cur__focus_1_2_rows') }}
    union all
    select
        {{ columns }}
    from {{ ref('stg_aws_cur__focus_1_2_text_rows') }}
),

focus_1_0 as (
    select
        {{ columns }}
    from {{ ref('stg_aws_cur__focus_1_0_rows') }}
    union all
    select
        {{ columns }}
    from {{ ref('stg_aws_cur__focus_1_0_text_rows') }}
),

-- the most detailed format has the lowest rank
line_items as (
    select
        *,
        1 as route_rank
    from cur2
    union all
    select
        *,
        2 as route_rank
    from legacy
    union all
    select
        *,
        3 as route_rank
    from focus_1_2
    union all
    select
        *,
        4 as route_rank
    from focus_1_0
)

select * from line_items
