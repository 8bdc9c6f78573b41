-- whatever was split, the parts of a thing's day sum to what was charged for it, in every measure
{% set thing %}
    provider, billing_account_id, sub_account_id, region_id, service_name, sku, resource_id, workload_id, model, token_class,
    charge_category, charge_date, billing_month, billing_currency
{% endset %}
{% set sums %}
    sum(billed_cost) as billed_cost,
    sum(effective_cost) as effective_cost,
    sum(list_cost) as list_cost,
    sum(billed_cost_usd) as billed_cost_usd,
    sum(effective_cost_usd) as effective_cost_usd,
    sum(consumed_tokens) as consumed_tokens,
    sum(pricing_quantity) as pricing_quantity,
    sum(allocated_ratio) as allocated_ratio
{% endset %}

with

charged as (
    select
        {{ thing }},
        {{ sums }}
    from {{ ref('int_charges_owned') }}
    group by {{ thing }}
),

attributed as (
    select
        {{ thing }},
        {{ sums }}
    from {{ ref('int_charges_attributed') }}
    group by {{ thing }}
)

(select * from charged except select * from attributed)
union all
(select * from attributed except select * from charged)
