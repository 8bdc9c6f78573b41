with

splits as (
    select
        split_id,
        provider,
        field,
        pattern
    from {{ ref('stg_config__splits') }}
    where field <> 'team'
    group by split_id, provider, field, pattern
),

matched as (
    {{ rule_matches('splits') }}
)

select
    thing_id,
    split_id
from matched
