with

published as (
    select * from {{ ref('stg_fx__reference_rates') }}
),

-- the bank quotes every currency for one euro, the euro itself not at all
quoted as (
    select
        rate_date,
        currency,
        units_per_eur
    from published
    union all
    select
        rate_date,
        'EUR' as currency,
        cast(1 as decimal(38, 12)) as units_per_eur
    from published
    where currency = 'USD'
),

dollars as (
    select
        rate_date,
        units_per_eur as usd_per_eur
    from published
    where currency = 'USD'
),

-- one dollar rate a day: no row comes twice, and a day without one has no rate at all
crossed as (
    select
        quoted.rate_date as published_on,
        quoted.currency,
        {{ exact_ratio('dollars.usd_per_eur', 'quoted.units_per_eur') }} as usd_per_currency,
        {{ exact_ratio('quoted.units_per_eur', 'dollars.usd_per_eur') }} as currency_per_usd,
        lead(quoted.rate_date) over (partition by quoted.currency order by quoted.rate_date) as next_published_on
    from quoted
    inner join dollars on quoted.rate_date = dollars.rate_date
),

-- a rate holds on its day and carries over the days without one, for a week at most
carried as (
    select
        published_on,
        currency,
        usd_per_currency,
        currency_per_usd,
        unnest(range(
            cast(published_on as timestamp),
            cast(
                least(
                    coalesce(next_published_on, date '9999-12-31'),
                    published_on + {{ var('fx_carry_days') }} + 1,
                    cast(timestamp '{{ var("as_of") }}' as date) + 1
                ) as timestamp
            ),
            interval '1 day'
        )) as carried_to
    from crossed
),

rates as (
    select
        cast(carried_to as date) as rate_date,
        currency,
        usd_per_currency,
        currency_per_usd,
        'ecb' as source,
        published_on,
        cast(carried_to as date) > published_on as is_carried
    from carried
)

select * from rates
