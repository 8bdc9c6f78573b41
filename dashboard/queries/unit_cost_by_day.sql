-- cost per million billed tokens, per day, of the models that cost most in the period; complete days only
with ranked as (
    select model
    from charges
    where charge_date >= $start_day and charge_date < $end_day and model is not null and consumed_tokens is not null
    group by model
    order by sum(cost) desc nulls last, model
    limit 6
)

select
    charges.charge_date,
    charges.model,
    (sum(charges.cost) * 1000000::decimal(8, 0)) / nullif(sum(charges.consumed_tokens), 0) as cost_per_mtok
from charges
inner join ranked on charges.model = ranked.model
where
    charges.charge_date >= $start_day
    and charges.charge_date < $end_day
    and charges.consumed_tokens is not null
    and charges.cost is not null
group by charges.charge_date, charges.model
order by charges.charge_date, charges.model
