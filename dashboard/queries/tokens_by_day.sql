-- billed tokens per day and class, the days after the complete ones marked
with slowest as (
    -- a provider that has sent nothing for a day leaves no row of its own to mark
    select case when count(*) = count(complete_through) then min(complete_through) end as complete_through
    from completeness
    where provider in (select charges.provider from charges)
)

select
    charges.charge_date,
    charges.token_class,
    coalesce(charges.charge_date <= any_value(slowest.complete_through), false) as is_complete,
    sum(charges.consumed_tokens)::bigint as tokens
from charges
cross join slowest
where
    charges.charge_date >= $start_day
    and charges.charge_date < $chart_end
    and charges.consumed_tokens is not null
group by charges.charge_date, charges.token_class
order by charges.charge_date, charges.token_class
