with

profiles as (
    select * from {{ ref('stg_aws_bedrock__inference_profiles') }}
    where profile_type = 'APPLICATION'
),

-- an account whose profiles are all gone takes snapshots without rows: system profiles tell that it was looked at
looked_at as (
    select distinct
        account_id,
        region_id,
        snapshot_at
    from {{ ref('stg_aws_bedrock__inference_profiles') }}
),

compared as (
    select
        *,
        lag(tags) over (partition by profile_arn order by snapshot_at) as earlier_tags,
        row_number() over (partition by profile_arn order by snapshot_at) = 1 as is_first
    from profiles
),

changes as (
    select
        account_id,
        region_id,
        profile_id,
        profile_arn,
        profile_name,
        tags,
        is_first,
        created_at,
        snapshot_at
    from compared
    where is_first or tags is distinct from earlier_tags
),

-- the first look at the place after the last one that showed the profile: it was deleted in between
deletions as (
    select
        seen.profile_arn,
        min(looked_at.snapshot_at) as deleted_at
    from (
        select
            profile_arn,
            account_id,
            region_id,
            max(snapshot_at) as last_seen_at
        from profiles
        group by profile_arn, account_id, region_id
    ) as seen
    inner join looked_at
        on
            seen.account_id = looked_at.account_id
            and seen.region_id = looked_at.region_id
            and seen.last_seen_at < looked_at.snapshot_at
    group by seen.profile_arn
),

-- a profile has one deletion at most: the join changes no row count
versions as (
    select
        changes.account_id,
        changes.region_id,
        changes.profile_id,
        changes.profile_arn,
        changes.profile_name,
        changes.tags,
        case when changes.is_first then changes.created_at else changes.snapshot_at end as valid_from,
        coalesce(
            lead(changes.snapshot_at) over (partition by changes.profile_arn order by changes.snapshot_at),
            deletions.deleted_at
        ) as valid_to,
        deletions.deleted_at is not null as is_deleted
    from changes
    left join deletions on changes.profile_arn = deletions.profile_arn
)

select * from versions
