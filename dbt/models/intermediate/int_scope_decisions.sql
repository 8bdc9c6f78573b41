with

charges as (
    select * from {{ ref('int_charges') }}
),

rules as (
    select * from {{ ref('stg_config__scope_rules') }}
),

-- rules speak of these words only, so one decision per combination serves every charge that carries it
billed_things as (
    select
        provider,
        service_name,
        service_id,
        sku,
        product_family
    from charges
    group by provider, service_name, service_id, sku, product_family
),

-- one row per combination and matching rule; a combination that no rule knows stays, with no rule
matched as (
    select
        billed_things.*,
        rules.rule_id,
        rules.priority,
        rules.is_in_scope
    from billed_things
    left join rules
        on
            billed_things.provider = rules.provider
            and {{ matches_pattern(
                "case rules.field
                    when 'service_name' then billed_things.service_name
                    when 'service_id' then billed_things.service_id
                    when 'sku' then billed_things.sku
                    when 'product_family' then billed_things.product_family
                end",
                'rules.pattern'
            ) }}
),

decided as (
    select
        provider,
        service_name,
        service_id,
        sku,
        product_family,
        rule_id as scope_rule_id,
        coalesce(is_in_scope, false) as is_in_scope
    from matched
    qualify
        row_number() over (
            partition by provider, service_name, service_id, sku, product_family
            order by priority asc nulls last, rule_id asc
        ) = 1
)

select * from decided
