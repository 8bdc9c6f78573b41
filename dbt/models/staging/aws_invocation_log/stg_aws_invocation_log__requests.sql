select
    requestid as request_id,
    accountid as account_id,
    region as region_id,
    inferenceregion as inference_region_id,
    operation,
    modelid as model_id,
    case when starts_with(modelid, 'arn:') then regexp_extract(modelid, '[^/]+$') else modelid end as workload_id,
    case
        when contains(identity.arn, ':assumed-role/') then regexp_extract(identity.arn, '^[^/]+/[^/]+')
        else identity.arn
    end as principal,
    case
        when contains(identity.arn, ':assumed-role/')
            then nullif(regexp_extract(identity.arn, '^[^/]+/[^/]+/(.+)$', 1), '')
    end as session_name,
    requestmetadata as request_metadata,
    errorcode as error_code,
    coalesce(input.inputtokencount, 0) as input_tokens,
    coalesce(input.cachereadinputtokencount, 0) as cache_read_tokens,
    coalesce(input.cachewriteinputtokencount, 0) as cache_write_tokens,
    coalesce(output.outputtokencount, 0) as output_tokens,
    errorcode is not null as is_error,
    cast(timestamp as timestamp) as requested_at
from {{ source('aws_invocation_log', 'requests') }}
-- a log file that was read through the door and from the bucket may stand in two windows
qualify row_number() over (partition by accountid, region, requestid order by _window_start) = 1
