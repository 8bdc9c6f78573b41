-- the models that a price or a bill names, for the filter of the page
with

named as (
    select
        provider,
        model
    from dim_price
    union all
    select
        provider,
        model
    from fct_effective_price
)

select model
from named
where ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
group by model
order by model asc
