-- one spike by the id in its link
select
    spike_id,
    started_on,
    ended_on,
    detected_on,
    provider,
    team,
    sub_account_id,
    product,
    model,
    lane,
    metric,
    direction,
    verdict,
    actual,
    expected,
    impact_usd
from fct_spike
where spike_id = $spike_id
