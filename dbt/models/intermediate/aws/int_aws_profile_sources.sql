with

profiles as (
    select * from {{ ref('stg_aws_bedrock__inference_profiles') }}
),

-- the newest snapshot that still shows a profile; what it was copied from never changes
newest as (
    select
        account_id,
        region_id,
        profile_id,
        profile_arn,
        profile_type,
        list_sort(list_distinct(model_arns)) as arn_set,
        list_sort(list_distinct(list_transform(
            model_arns, lambda arn: regexp_extract(arn, 'foundation-model/(.+)$', 1)
        ))) as model_ids
    from profiles
    qualify row_number() over (partition by profile_arn order by snapshot_at desc) = 1
),

-- AWS never says what a profile was copied from: a system profile that routes to the same models may be it
candidates as (
    select
        own.profile_arn,
        list_sort(list(system.profile_id)) as system_profiles
    from newest as own
    inner join newest as system
        on
            own.account_id = system.account_id
            and own.region_id = system.region_id
            and own.arn_set = system.arn_set
            and system.profile_type = 'SYSTEM_DEFINED'
    where own.profile_type = 'APPLICATION'
    group by own.profile_arn
),

-- one model in one region is copied from the model itself, unless a system profile looks the same
weighed as (
    select
        newest.account_id,
        newest.region_id,
        newest.profile_id,
        newest.profile_arn,
        newest.model_ids,
        case when len(newest.model_ids) = 1 then newest.model_ids[1] end as provider_model_name,
        case
            when candidates.system_profiles is null and len(newest.arn_set) = 1 then newest.model_ids
            when len(newest.arn_set) = 1 then list_concat(candidates.system_profiles, newest.model_ids)
            else coalesce(candidates.system_profiles, cast([] as varchar[]))
        end as source_candidates
    from newest
    left join candidates on newest.profile_arn = candidates.profile_arn
    where newest.profile_type = 'APPLICATION'
)

select
    *,
    case when len(source_candidates) = 1 then source_candidates[1] end as source_id,
    len(source_candidates) > 1 as is_source_ambiguous,
    len(model_ids) > 1 as is_model_ambiguous
from weighed
