{% set generative %}
    '.*(gemini|claude|generative|llama|mistral|deepseek|qwen|imagen|palm|large language| veo | lyria ).*'
{% endset %}

with

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
),

skus as (
    select * from {{ ref('int_gcp_sku_dimensions') }}
),

billed as (
    select
        service_id,
        service_name,
        sku_id,
        sku,
        count(*) as row_count,
        cast(sum({{ money_mul('cost', 'usd_per_currency') }}) as decimal(38, 12)) as cost_usd,
        cast(sum(consumed_tokens) as bigint) as tokens,
        -- list price below a tenth of a cent or above a thousand dollars for a million tokens: the amount is no token count
        count(*) filter (
            where consumed_tokens > 0 and list_cost > 0 and (
                list_cost * usd_per_currency * 1000000 > consumed_tokens * cast(1000 as decimal(18, 3))
                or list_cost * usd_per_currency * 1000000 < consumed_tokens * cast(0.001 as decimal(18, 3))
            )
        ) as outlier_rows
    from bill_rows
    group by service_id, service_name, sku_id, sku
),

-- one row per SKU on both sides: the join changes no row count
judged as (
    select
        billed.*,
        skus.provider_model_name,
        skus.direction,
        case
            when not skus.is_model_service and lower(billed.sku || ' ' || coalesce(billed.service_name, '')) similar to {{ generative }}
                then 'unmatched_service'
            when billed.outlier_rows > 0 then 'unit_price_outlier'
            when skus.direction = 'unparsed' then 'unparsed'
            when skus.provider_model_name is not null and skus.model is null then 'unknown_model'
        end as reason
    from billed
    inner join skus
        on
            billed.service_id is not distinct from skus.service_id
            and billed.service_name is not distinct from skus.service_name
            and billed.sku_id is not distinct from skus.sku_id
            and billed.sku is not distinct from skus.sku
),

reviews as (
    select * from judged
    where reason is not null
)

select * from reviews
