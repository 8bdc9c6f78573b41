with

charges as (
    select * from {{ ref('int_charges') }}
),

decisions as (
    select * from {{ ref('int_scope_decisions') }}
),

-- every charge has exactly one decision: the join changes no row count
scoped as (
    select
        charges.*,
        decisions.is_in_scope,
        decisions.scope_rule_id,
        {{ money_mul('charges.billed_cost', 'charges.usd_per_currency') }} as billed_cost_usd,
        {{ money_mul('charges.effective_cost', 'charges.usd_per_currency') }} as effective_cost_usd
    from charges
    inner join decisions
        on
            charges.provider = decisions.provider
            and charges.service_name is not distinct from decisions.service_name
            and charges.service_id is not distinct from decisions.service_id
            and charges.sku is not distinct from decisions.sku
            and charges.product_family is not distinct from decisions.product_family
)

select * from scoped
