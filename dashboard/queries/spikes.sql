-- spikes that overlap the period, newest first; never by cost basis, since a spike has its own lane
select
    spike_id,
    started_on,
    ended_on,
    coalesce(strftime(ended_on, '%d %b %Y'), 'still open') as until_day,
    detected_on,
    provider,
    coalesce(team, 'unallocated') as team,
    product,
    sub_account_id,
    model,
    lane,
    direction,
    verdict,
    actual,
    expected,
    impact_usd
from fct_spike
where
    started_on < $chart_end
    and coalesce(ended_on, $chart_end) >= $start_day
    and ($providers::varchar[] is null or provider is null or list_contains($providers::varchar[], provider))
    and ($teams::varchar[] is null or list_contains($teams::varchar[], coalesce(team, 'unallocated')))
    and ($direction::varchar is null or direction = $direction)
order by started_on desc, abs(impact_usd) desc, spike_id
