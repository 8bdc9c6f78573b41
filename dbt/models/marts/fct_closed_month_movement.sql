with

moves as (
    select * from {{ ref('int_closed_moves') }}
),

between_teams as (
    select
        *,
        moved_between_teams as part,
        case
            when rules_changed then 'ownership_changed'
            when bill_changed or bill_came then 'provider_restated'
            when logs_changed or meters_changed or meters_came then 'late_row'
            else 'definition_changed'
        end as cause
    from moves
),

spent_otherwise as (
    select
        *,
        current_amount - closed_amount - moved_between_teams as part,
        case
            when price_changed and measure like 'metered%' and scope_tokens_moved = 0 then 'price_corrected'
            when price_changed and measure in ('effective_cost', 'list_cost') and scope_billed_moved = 0
                then 'price_corrected'
            when measure like 'metered%' and meters_changed and scope_closed_rows > 0 then 'provider_restated'
            when measure like 'metered%' and (meters_changed or meters_came) then 'late_row'
            when measure like 'metered%' then 'definition_changed'
            when bill_changed and bill_only_grew and scope_tokens_moved > 0 then 'late_row'
            when bill_changed and (scope_closed_rows > 0 or charge_category <> 'Usage') then 'provider_restated'
            -- another file that charges otherwise for the very tokens that were closed
            when bill_came and scope_closed_tokens > 0 and scope_tokens_moved = 0 then 'provider_restated'
            when bill_changed or bill_came then 'late_row'
            else 'definition_changed'
        end as cause
    from moves
),

parts as (
    select
        billing_month,
        provider,
        team,
        measure,
        billing_currency,
        cause,
        part
    from between_teams
    union all
    select
        billing_month,
        provider,
        team,
        measure,
        billing_currency,
        cause,
        part
    from spent_otherwise
),

movements as (
    select
        billing_month,
        provider,
        team,
        measure,
        billing_currency,
        cause,
        cast(sum(part) as decimal(38, 12)) as moved_amount
    from parts
    where part <> 0
    group by billing_month, provider, team, measure, billing_currency, cause
)

select * from movements
