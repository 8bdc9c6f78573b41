with

costs as (
    select * from {{ source('anthropic', 'costs') }}
),

cast_costs as (
    select
        organization_id,
        workspace_id,
        description,
        cost_type,
        token_type,
        model as provider_model_name,
        service_tier,
        context_window,
        inference_geo,
        upper(currency) as billing_currency,
        -- cents, written out as dollars before they are rounded
        {{ to_money("amount || 'e-2'") }} as cost,
        cast(cast(starting_at as timestamp) as date) as charge_date
    from costs
)

select * from cast_costs
