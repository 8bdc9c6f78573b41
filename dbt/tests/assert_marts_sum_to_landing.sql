-- whatever the provider's own rows sum to is AI spend or out of scope, to the last decimal
select *
from {{ ref('fct_provider_totals') }}
where difference is distinct from 0
