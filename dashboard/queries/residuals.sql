-- one row per reason and provider: what of the difference between metered and billed cost it explains
select
    residual_class,
    provider,
    sum(residual_usd) as residual_usd,
    sum(abs(residual_usd)) as moved_usd,
    count(*) as rows_count,
    min(usage_date) as first_day,
    max(usage_date) as last_day
from fct_residual
where
    usage_date >= $start_day
    and usage_date < $end_day
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
group by residual_class, provider
order by abs(sum(residual_usd)) desc, residual_class asc, provider asc
