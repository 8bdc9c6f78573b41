{% set scope = "billing_month, measure, billing_currency, scope_id" %}

with

amounts as (
    select * from {{ ref('int_closed_amounts') }}
),

-- what is known of each side; an amount that was not known and is now counts as moved
teams as (
    select
        {{ scope }},
        provider,
        model,
        charge_category,
        team,
        coalesce(cast(sum(amount) filter (where side = 'closed') as decimal(38, 12)), 0) as closed_amount,
        coalesce(cast(sum(amount) filter (where side = 'current') as decimal(38, 12)), 0) as current_amount,
        coalesce(sum(billed_cost) filter (where side = 'current'), 0)
        - coalesce(sum(billed_cost) filter (where side = 'closed'), 0) as billed_moved,
        coalesce(sum(tokens) filter (where side = 'closed'), 0) as closed_tokens,
        coalesce(sum(tokens) filter (where side = 'current'), 0) as current_tokens,
        count(*) filter (where side = 'closed') as closed_rows,
        count(*) filter (where side = 'current') as current_rows
    from amounts
    group by {{ scope }}, provider, model, charge_category, team
),

-- a scope is a day, account, workload, model and kind of charge, whoever owns it
scopes as (
    select
        *,
        cast(abs(current_amount) * 1000000 as bigint) as weight,
        sum(closed_amount) over (partition by {{ scope }}) as scope_closed,
        sum(current_amount) over (partition by {{ scope }}) as scope_current,
        sum(billed_moved) over (partition by {{ scope }}) as scope_billed_moved,
        sum(closed_tokens) over (partition by {{ scope }}) as scope_closed_tokens,
        sum(current_tokens) over (partition by {{ scope }}) as scope_current_tokens,
        sum(closed_rows) over (partition by {{ scope }}) as scope_closed_rows,
        sum(current_rows) over (partition by {{ scope }}) as scope_current_rows
    from teams
),

moved as (
    select
        *,
        cast(sum(weight) over (partition by {{ scope }}) as hugeint) as scope_weight,
        -- another owner shows in the shares of the tokens, which no price moves, but for the rounding to whole ones;
        -- where none are counted, in those of the cost
        bool_or(
            case
                when scope_closed_tokens > 0 and scope_current_tokens > 0
                    then
                        abs(closed_tokens / scope_closed_tokens - current_tokens / scope_current_tokens)
                        > 1 / scope_closed_tokens + 1 / scope_current_tokens
                when scope_closed = 0 or scope_current = 0 then true
                else
                    abs(
                        cast(closed_amount as double) / cast(scope_closed as double)
                        - cast(current_amount as double) / cast(scope_current as double)
                    ) > 1e-9
            end
        ) over (partition by {{ scope }}) as is_shared_otherwise
    from scopes
    qualify bool_or(closed_amount <> current_amount) over (partition by {{ scope }})
),

-- one row of evidence per month and provider, and at most one per changed price: no row is added
judged as (
    select
        moved.*,
        evidence.* exclude (billing_month, provider),
        changed.model is not null as price_changed
    from moved
    left join {{ ref('int_closed_evidence') }} as evidence
        on moved.billing_month = evidence.billing_month and moved.provider = evidence.provider
    left join {{ ref('int_closed_price_changes') }} as changed
        on
            moved.billing_month = changed.billing_month
            and moved.provider = changed.provider
            and moved.model = changed.model
),

-- what moved between teams while the scope cost the same, or would have with the owners of now
parts as (
    select
        billing_month,
        provider,
        team,
        measure,
        billing_currency,
        charge_category,
        scope_id,
        closed_amount,
        current_amount,
        scope_billed_moved,
        cast(scope_closed_tokens as bigint) as scope_closed_tokens,
        cast(scope_current_tokens - scope_closed_tokens as bigint) as scope_tokens_moved,
        cast(scope_closed_rows as bigint) as scope_closed_rows,
        bill_changed,
        bill_came,
        bill_only_grew,
        meters_changed,
        meters_came,
        rules_changed,
        logs_changed,
        price_changed,
        case
            when scope_closed_rows = 0 or scope_current_rows = 0 then 0
            when scope_closed = scope_current then current_amount - closed_amount
            when not is_shared_otherwise or not coalesce(rules_changed or logs_changed, false) then 0
            else {{ money_share('scope_closed', 'weight', 'scope_weight') }} - closed_amount
        end as moved_between_teams
    from judged
)

select * from parts
