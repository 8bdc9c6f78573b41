-- prices that another list, or another region of the same class, states differently
select
    provider,
    model,
    token_class,
    concat_ws(
        ', ', coalesce(region_class, 'region unknown'), coalesce(service_tier, 'tier unknown'),
        case when context_band = 'long' then 'long context' end
    ) as sold_as,
    price_source,
    usd_per_mtok,
    other_price_source,
    other_source_id,
    other_usd_per_mtok,
    difference_usd_per_mtok
from fct_price_disagreement
where
    ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
order by abs(difference_usd_per_mtok) desc, provider asc, model asc, token_class asc
