-- where evidence contradicts what decided, dearest first; one dollar may be contradicted twice
select
    conflicts.provider,
    coalesce(things.workload_id, things.resource_id, things.sub_account_id) as thing,
    conflicts.team,
    conflicts.attribution_method,
    conflicts.other_team,
    conflicts.other_method,
    conflicts.other_evidence,
    sum(conflicts.billed_cost_usd) as cost
from fct_attribution_conflict as conflicts
inner join dim_owned_thing as things on conflicts.thing_id = things.thing_id
where
    conflicts.charge_month >= date_trunc('month', $start_day) and conflicts.charge_month < $end_day
    and ($providers::varchar[] is null or list_contains($providers::varchar[], conflicts.provider))
    and (
        $teams::varchar[] is null
        or list_contains($teams::varchar[], conflicts.team) or list_contains($teams::varchar[], conflicts.other_team)
    )
group by
    conflicts.provider, coalesce(things.workload_id, things.resource_id, things.sub_account_id), conflicts.team,
    conflicts.attribution_method, conflicts.other_team, conflicts.other_method, conflicts.other_evidence
order by cost desc nulls last, thing asc, other_evidence asc
