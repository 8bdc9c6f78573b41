with

owned as (
    select * from {{ ref('fct_owned_daily') }}
    where native_method is null or native_method not in ('gateway_share', 'capacity_share')
),

things as (
    select * from {{ ref('int_owned_things') }}
    where carried_tags is not null
),

tag_values as (
    select * from {{ ref('int_tag_values') }}
),

words as (
    select
        canonical,
        {{ tag_key('key') }} as plain_key
    from {{ ref('stg_config__tag_synonyms') }}
),

-- the one tag of each word that decides; the others of that word say the same or are contradicted
deciding as (
    select
        carried_tags,
        tag_key,
        canonical,
        true as is_declared
    from tag_values
    where canonical is not null
    qualify
        row_number() over (partition by carried_tags, canonical order by set_rank, synonym_position, tag_position) = 1
),

-- a key that nobody declared and that holds a declared one, or misses it by a letter or two
near as (
    select
        tag_values.carried_tags,
        tag_values.tag_key,
        min(words.canonical) as canonical,
        false as is_declared
    from tag_values
    inner join words
        on
            list_contains(string_split(tag_values.plain_key, '_'), words.plain_key)
            or (len(words.plain_key) > 3 and levenshtein(tag_values.plain_key, words.plain_key) <= 2)
    where tag_values.canonical is null
    group by tag_values.carried_tags, tag_values.tag_key
),

uses as (
    select * from deciding
    union all
    select * from near
),

-- a thing carries a key once per word: each of its rows is counted once for it
monthly as (
    select
        cast(date_trunc('month', owned.charge_date) as date) as charge_month,
        owned.provider,
        uses.canonical,
        uses.tag_key,
        uses.is_declared,
        {{ known_sum('owned.billed_cost_usd') }} as billed_cost_usd,
        {{ known_sum("case when owned.team = 'unallocated' then owned.billed_cost_usd else 0 end") }}
            as unallocated_cost_usd
    from owned
    inner join things on owned.thing_id = things.thing_id
    inner join uses on things.carried_tags = uses.carried_tags
    group by date_trunc('month', owned.charge_date), owned.provider, uses.canonical, uses.tag_key, uses.is_declared
)

select * from monthly
