-- the prices that hold on the last day of the period, or every interval that was ever believed
select
    provider,
    model,
    token_class,
    concat_ws(
        ', ', coalesce(region_class, 'region unknown'), coalesce(service_tier, 'tier unknown'),
        case when context_band = 'long' then 'long context' end
    ) as sold_as,
    usd_per_mtok,
    contract_usd_per_mtok,
    contract_basis,
    case when valid_from > '2020-01-01' then strftime(valid_from, '%d %b %Y') else 'undated' end as since,
    coalesce(strftime(valid_to, '%d %b %Y'), 'holds') as until,
    price_source,
    source_date
from dim_price
where
    ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
    and ($all_intervals or (valid_from < $end_day and (valid_to is null or valid_to >= $end_day)))
order by provider asc, model asc, region_class asc, service_tier asc, context_band asc, token_class asc, valid_from desc
