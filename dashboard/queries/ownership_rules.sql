-- the rules that these numbers were built from; those that match nothing first
select
    rule_id,
    provider,
    field,
    pattern,
    team,
    matched_things,
    decided_cost_usd,
    valid_from,
    coalesce(strftime(valid_to, '%d %b %Y'), 'open') as valid_to
from dim_ownership_rule
where
    ($providers::varchar[] is null or provider is null or list_contains($providers::varchar[], provider))
    and ($teams::varchar[] is null or list_contains($teams::varchar[], team))
order by matched_things > 0 asc, decided_cost_usd desc nulls last, rule_id asc
