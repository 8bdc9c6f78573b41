-- what the change is made of; the drivers sum to the impact
select
    driver,
    contribution_usd
from fct_spike_driver
where spike_id = $spike_id
order by abs(contribution_usd) desc, driver
