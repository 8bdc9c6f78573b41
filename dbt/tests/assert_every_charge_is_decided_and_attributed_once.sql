-- joins to scope rules and owners change no row count
with

counted as (
    select
        (select count(*) from {{ ref('int_charges') }}) as charge_count,
        (select count(*) from {{ ref('int_charges_scoped') }}) as scoped_count,
        (select count(*) filter (where is_in_scope) from {{ ref('int_charges_scoped') }}) as in_scope_count,
        (select count(*) from {{ ref('int_charges_owned') }}) as owned_count,
        (select count(*) from {{ ref('int_usage_attributed') }}) as usage_count,
        (select count(*) from {{ ref('int_usage_priced') }}) as usage_class_count
)

select *
from counted
where
    charge_count <> scoped_count
    or in_scope_count <> owned_count
    or usage_count * 4 <> usage_class_count
