-- one row per closed month, team, measure and cause that has moved since the close
select
    billing_month,
    provider,
    team,
    measure,
    billing_currency,
    cause,
    moved_amount
from fct_closed_month_movement
where
    ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($teams::varchar[] is null or list_contains($teams::varchar[], team))
order by billing_month desc, measure asc, abs(moved_amount) desc, team asc, cause asc
