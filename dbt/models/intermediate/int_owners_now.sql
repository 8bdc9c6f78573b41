with

matches as (
    select * from {{ ref('int_owner_matches') }}
    where
        valid_from <= cast(timestamp '{{ var("as_of") }}' as date)
        and (valid_to is null or valid_to > cast(timestamp '{{ var("as_of") }}' as date))
),

-- the first rule in order decides
owners as (
    select
        thing_id,
        team
    from matches
    qualify row_number() over (partition by thing_id order by {{ rule_order('matches') }}) = 1
)

select * from owners
