-- billed tokens per day and class, the days after the complete ones marked
select
    charges.charge_date,
    charges.token_class,
    bool_and(coalesce(charges.charge_date <= completeness.complete_through, false)) as is_complete,
    sum(charges.consumed_tokens)::bigint as tokens
from charges
left join completeness on charges.provider = completeness.provider
where
    charges.charge_date >= $start_day
    and charges.charge_date < $chart_end
    and charges.consumed_tokens is not null
group by charges.charge_date, charges.token_class
order by charges.charge_date, charges.token_class
