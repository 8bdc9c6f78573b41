with

costs as (
    select * from {{ ref('int_azure_costs') }}
),

meters as (
    select * from {{ ref('int_azure_meters') }}
),

deployments as (
    select * from {{ ref('int_azure_deployments') }}
),

resource_tags as (
    select * from {{ ref('int_azure_resource_tags_daily') }}
),

-- a meter spelling is unique with its category, subcategory and unit: the join changes no row count
metered as (
    select
        costs.*,
        meters.block_size,
        meters.provider_model_name,
        meters.model as meter_model,
        meters.price_scope,
        meters.service_tier,
        meters.context_band,
        coalesce(meters.token_class, 'other') as token_class,
        coalesce(meters.is_provisioned, false) as is_provisioned,
        case
            when meters.service_tier in ('provisioned', 'batch') then meters.service_tier
            when meters.service_tier is not null then 'standard'
        end as billing_kind
    from costs
    left join meters
        on
            costs.meter = meters.meter
            and costs.service_name is not distinct from meters.service_name
            and costs.meter_subcategory is not distinct from meters.meter_subcategory
            and costs.unit_of_measure is not distinct from meters.unit_of_measure
            and (
                costs.consumed_service in ('Microsoft.CognitiveServices', 'Microsoft.Capacity')
                or costs.service_name in ('Foundry Models', 'Azure OpenAI')
            )
),

-- deployments that a meter of an account can have come from
candidates as (
    select
        resource_id,
        price_scope,
        billing_kind,
        -- a provisioned meter names no model, so any model of that kind may stand behind it
        case when billing_kind <> 'provisioned' then model end as model,
        min(deployment_name) as deployment_name,
        count(*) as deployment_count
    from deployments
    group by resource_id, price_scope, billing_kind, case when billing_kind <> 'provisioned' then model end
),

-- the tag on the bill names the deployment; without it, the only one that fits does: one candidate row at most
placed as (
    select
        metered.*,
        coalesce(
            metered.deployment_tag,
            case when candidates.deployment_count = 1 then candidates.deployment_name end
        ) as deployment_name
    from metered
    left join candidates
        on
            metered.resource_id = candidates.resource_id
            and metered.price_scope = candidates.price_scope
            and metered.billing_kind = candidates.billing_kind
            and metered.meter_model is not distinct from candidates.model
),

-- one deployment of that name per account, one set of tags per resource and day: the joins change no row count
described as (
    select
        placed.* exclude (tags),
        coalesce(placed.tags, resource_tags.tags) as native_tags,
        coalesce(placed.meter_model, case when placed.is_provisioned then deployments.model end) as model,
        coalesce(
            deployments.workload_id,
            nullif(regexp_extract(placed.resource_id, '/reservationorders/([^/]+)', 1), ''),
            nullif(regexp_extract(placed.resource_id, '/microsoft.cognitiveservices/accounts/([^/]+)', 1), '')
        ) as workload_id,
        -- a row of a file has its own tags, a row of the query those of its resource and day
        {{ azure_native_tags(
            'deployments.deployment_tags',
            'coalesce(placed.tags, resource_tags.tags)'
        ) }}
    from placed
    left join deployments
        on placed.resource_id = deployments.resource_id and placed.deployment_name = deployments.deployment_name
    left join resource_tags
        on placed.resource_id = resource_tags.resource_id and placed.charge_date = resource_tags.charge_date
)

select
    {{ azure_charge_columns() }}
from described
