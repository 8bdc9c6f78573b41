with

distinct_tags as (
    select other_tags
    from {{ ref('int_aws_bill_days') }}
    where other_tags is not null
    group by other_tags
),

of_the_caller as (
    select
        other_tags,
        {{ aws_principal_tags('other_tags') }} as tags
    from distinct_tags
),

principals as (
    select
        other_tags,
        {{ tag_value('of_the_caller.tags', 'team') }} as principal_team,
        {{ tag_evidence('of_the_caller.tags', 'team') }} as principal_evidence,
        {{ tag_value('of_the_caller.tags', 'product') }} as principal_product,
        {{ tag_value('of_the_caller.tags', 'environment') }} as principal_environment,
        {{ carried_tags([('principal', 'of_the_caller.tags')]) }} as carried_tags
    from of_the_caller
)

select * from principals
