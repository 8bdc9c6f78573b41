with

metrics as (
    select * from {{ ref('stg_azure_openai__hourly_metrics') }}
),

-- Azure Monitor sums whole numbers as doubles; they carry counts exactly
pivoted as (
    select
        sub_account_id,
        resource_id,
        deployment_name,
        region_id,
        hour_start,
        cast(sum(total) filter (where metric = 'ProcessedPromptTokens') as bigint) as prompt_tokens,
        cast(sum(total) filter (where metric = 'GeneratedTokens') as bigint) as output_tokens,
        cast(sum(total) filter (where metric = 'ActiveTokens') as bigint) as active_tokens,
        cast(sum(total) filter (where metric = 'AzureOpenAIRequests' and status_code like '2%') as bigint)
            as answered_count,
        cast(
            sum(total) filter (where metric = 'AzureOpenAIRequests' and status_code like '2%' and is_spillover)
            as bigint
        ) as spilled_in_count,
        cast(sum(total) filter (where metric = 'AzureOpenAIRequests' and status_code = '429') as bigint)
            as throttled_count,
        cast(
            sum(total) filter (
                where metric = 'AzureOpenAIRequests' and status_code not like '2%' and status_code <> '429'
            ) as bigint
        ) as error_count,
        max(average) filter (where metric = 'AzureOpenAIProvisionedManagedUtilizationV2') as utilization_pct
    from metrics
    group by sub_account_id, resource_id, deployment_name, region_id, hour_start
)

select * from pivoted
