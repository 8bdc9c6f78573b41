with

charges as (
    select carried_tags from {{ ref('int_charges') }}
    where carried_tags is not null
),

usage as (
    select carried_tags from {{ ref('int_usage_daily') }}
    where carried_tags is not null
),

synonyms as (
    select * from {{ ref('stg_config__tag_synonyms') }}
),

carried as (
    select carried_tags from charges
    union
    select carried_tags from usage
),

numbered as (
    select
        carried_tags,
        {{ carried_sets('carried_tags') }} as sets,
        unnest(range(1, len({{ carried_sets('carried_tags') }}) + 1)) as set_rank
    from carried
),

tags as (
    select
        carried_tags,
        set_rank,
        sets[set_rank].method as method,
        unnest(map_entries(sets[set_rank].tags)) as tag,
        unnest(range(1, cast(cardinality(sets[set_rank].tags) as bigint) + 1)) as tag_position
    from numbered
),

meanings as (
    select
        canonical,
        {{ tag_key('key') }} as plain_key,
        min(position) as position
    from synonyms
    group by canonical, {{ tag_key('key') }}
),

-- a key means one word at most: the join changes no row count
values_of_tags as (
    select
        tags.carried_tags,
        tags.set_rank,
        tags.tag_position,
        tags.method,
        tags.tag.key as tag_key,
        regexp_replace({{ tag_key('tags.tag.key') }}, '^user_', '') as plain_key,
        lower(trim(tags.tag.value)) as tag_value,
        meanings.canonical,
        meanings.position as synonym_position
    from tags
    left join meanings
        on regexp_replace({{ tag_key('tags.tag.key') }}, '^user_', '') = meanings.plain_key
    where trim(tags.tag.value) <> ''
)

select * from values_of_tags
