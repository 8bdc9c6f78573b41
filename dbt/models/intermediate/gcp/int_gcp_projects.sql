with

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
    where project_id is not null
),

newest as (
    select
        project_id,
        {{ of_largest('billing_account_id', 'usage_start_at') }} as billing_account_id,
        {{ of_largest('project_labels', 'usage_start_at') }} as project_labels
    from bill_rows
    group by project_id
),

tagged as (
    select
        newest.project_id,
        newest.billing_account_id,
        {{ tag_value('newest.project_labels', 'team') }} as native_team,
        {{ tag_value('newest.project_labels', 'product') }} as native_product,
        {{ tag_value('newest.project_labels', 'environment') }} as native_environment,
        {{ carried_tags([('resource_tag', 'newest.project_labels')]) }} as carried_tags
    from newest
)

select * from tagged
