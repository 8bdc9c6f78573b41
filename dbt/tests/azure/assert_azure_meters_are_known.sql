{{ config(severity='warn') }}
-- a token meter whose model, class or block is not known: its cost is billed and attributed, its tokens are not counted
select *
from {{ ref('int_azure_meters') }}
where
    not is_provisioned
    and (model is null or token_class = 'other' or block_size is null)
