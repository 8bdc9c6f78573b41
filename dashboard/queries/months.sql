-- one row per provider's invoice month that the period touches, whole months, billed beside effective
select
    billing_month,
    provider,
    sum(billed) as billed,
    sum(effective) as effective,
    sum(effective) - sum(billed) as effective_less_billed,
    case when bool_and(cost_status = 'final') then 'final' else 'not final' end as status
from charges
where billing_month >= date_trunc('month', $start_day::date)
group by billing_month, provider
order by billing_month desc, provider asc
