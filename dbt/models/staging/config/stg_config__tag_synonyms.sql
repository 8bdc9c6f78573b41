select
    canonical,
    key,
    position
from {{ source('config', 'tag_synonyms') }}
