with

accounts as (
    select
        workload_id as account_id,
        model
    from {{ ref('int_charges_scoped') }}
    where provider = 'azure' and is_in_scope and token_class <> 'other' and not contains(workload_id, '/')
    group by workload_id, model
)

select * from accounts
