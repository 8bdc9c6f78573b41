-- how much of the period's on-demand bill is at another price than the contract's, and how much cannot be compared
select
    count(*) as rows,
    count(*) filter (where difference_usd is null) as unknown_rows,
    count(*) filter (where abs(difference_usd) >= 0.01) as differing_rows,
    sum(billed_usd) filter (where difference_usd is not null) as compared_usd,
    sum(case when difference_usd >= 0.01 then difference_usd when difference_usd is not null then 0 end) as over_usd,
    sum(case when difference_usd <= -0.01 then difference_usd when difference_usd is not null then 0 end) as under_usd
from fct_effective_price
where
    ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
    and billing_month < $end_day
    and billing_month >= date_trunc('month', $start_day::date)
