{% set key = ['provider', 'model', 'region_class', 'token_class', 'service_tier', 'context_band'] %}

with

list_prices as (
    select * from {{ ref('stg_prices__list_prices') }}
),

negotiated as (
    select * from {{ ref('stg_prices__negotiated_prices') }}
),

discounts as (
    select * from {{ ref('stg_prices__discounts') }}
),

priced as (
    select {{ key | join(', ') }}, valid_from, valid_to from list_prices
    union all
    select {{ key | join(', ') }}, valid_from, valid_to from negotiated
),

discounted as (
    select {% for column in key %}list_prices.{{ column }}, {% endfor %}discounts.*
        exclude (provider)
    from list_prices
    inner join discounts
        on
            list_prices.provider = discounts.provider
            and {{ matches_pattern('list_prices.model', 'discounts.model_pattern') }}
),

-- every day on which something about a price starts or ends
edges as (
    select {{ key | join(', ') }}, valid_from as edge_date from priced
    union
    select {{ key | join(', ') }}, valid_to as edge_date from priced
    where valid_to is not null
    union
    select {{ key | join(', ') }}, valid_from as edge_date from discounted
    union
    select {{ key | join(', ') }}, valid_to as edge_date from discounted
    where valid_to is not null
),

segments as (
    select
        {{ key | join(', ') }},
        edge_date as valid_from,
        lead(edge_date) over (partition by {{ key | join(', ') }} order by edge_date) as valid_to
    from edges
),

-- of several discounts that hold on one day the largest counts
best_discounts as (
    select
        {% for column in key %}segments.{{ column }}, {% endfor %}segments.valid_from,
        max_by(discounted.discount_id, discounted.discount_pct) as discount_id,
        max(discounted.discount_pct) as discount_pct
    from segments
    inner join discounted
        on
            {% for column in key %}segments.{{ column }} = discounted.{{ column }}
            and {% endfor %}segments.valid_from >= discounted.valid_from
            and (discounted.valid_to is null or segments.valid_from < discounted.valid_to)
    group by {% for column in key %}segments.{{ column }}, {% endfor %}segments.valid_from
),

-- each of the three joins finds at most one row, since intervals of one key do not overlap
valued as (
    select
        {% for column in key %}segments.{{ column }}, {% endfor %}
        list_prices.usd_per_mtok,
        coalesce(
            negotiated.usd_per_mtok,
            {{ money_mul('list_prices.usd_per_mtok', '(100 - best_discounts.discount_pct) * 0.01') }},
            list_prices.usd_per_mtok
        ) as contract_usd_per_mtok,
        case
            when negotiated.usd_per_mtok is not null then 'negotiated'
            when best_discounts.discount_id is not null then 'discount'
            else 'list'
        end as contract_basis,
        case when negotiated.usd_per_mtok is null then best_discounts.discount_id end as discount_id,
        coalesce(list_prices.price_source, negotiated.price_source) as price_source,
        coalesce(list_prices.source_date, negotiated.source_date) as source_date,
        segments.valid_from,
        segments.valid_to
    from segments
    left join list_prices on {{ same_price_day('segments', 'list_prices', key) }}
    left join negotiated on {{ same_price_day('segments', 'negotiated', key) }}
    left join best_discounts
        on
            {% for column in key %}segments.{{ column }} = best_discounts.{{ column }}
            and {% endfor %}segments.valid_from = best_discounts.valid_from
),

prices as (
    select
        concat_ws('|', {{ key | join(', ') }}, valid_from) as price_id,
        *
    from valued
    where usd_per_mtok is not null or contract_usd_per_mtok is not null
)

select * from prices
