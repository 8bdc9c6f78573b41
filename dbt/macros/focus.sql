{# the columns that the FOCUS export needs beyond what the marts sum up, in their order; NULL where a source does not say #}
{% macro billing_detail_columns() -%}
    invoice_id, sku_id, charge_class, pricing_quantity, pricing_unit, sub_account_name, commitment_id, tags
{%- endmacro %}

{# a number of tokens as a quantity of blocks of them: 1000 tokens, a million, or single ones #}
{% macro token_blocks(tokens, block_size) -%}
    cast(
        cast({{ tokens }} as decimal(26, 0)) * case {{ block_size }}
            when 1000000 then cast(0.000001 as decimal(7, 6))
            when 1000 then cast(0.001 as decimal(7, 6))
            when 1 then cast(1 as decimal(7, 6))
        end
        as decimal(38, 12)
    )
{%- endmacro %}

{# a unit as the FOCUS Unit Format writes it: plural, capital, its count in front; a word that is not known stays as it is #}
{% macro focus_unit(unit) -%}
    case regexp_replace(lower(trim({{ unit }})), '^1[ /]+', '')
        when 'hour' then 'Hours'
        when 'hours' then 'Hours'
        when 'hrs' then 'Hours'
        when 'day' then 'Days'
        when 'month' then 'Months'
        when 'months' then 'Months'
        when 'year' then 'Years'
        when 'gb' then 'GB'
        when 'gb/month' then 'GB-Months'
        when 'gb-mo' then 'GB-Months'
        when 'request' then 'Requests'
        when 'requests' then 'Requests'
        when 'count' then 'Counts'
        when 'unit' then 'Units'
        when 'units' then 'Units'
        when '1' then 'Units'
        when 'token' then 'Tokens'
        when 'tokens' then 'Tokens'
        when '1k tokens' then '1000 Tokens'
        when '1m tokens' then '1000000 Tokens'
        else {{ unit }}
    end
{%- endmacro %}

{# blocks of tokens in the same form #}
{% macro token_unit(block_size) -%}
    case {{ block_size }} when 1 then 'Tokens' else {{ block_size }} || ' Tokens' end
{%- endmacro %}

{# tags as a JSON object under the provider's own keys; no tags are NULL #}
{% macro tags_json(tags) -%}
    nullif(cast(to_json({{ tags }}) as varchar), '{}')
{%- endmacro %}

{#
    What one unit cost: cost / quantity at 24 decimals, so that price times quantity is the cost again at its twelve.

    The quotient of doubles is taken to twelve decimals; what it misses of the cost is exact, and its own quotient gives the
    next twelve. NULL without a quantity, below zero, and where the price or the cost is too large for that.
#}
{% macro unit_price(cost, quantity) -%}
    {%- set first = "cast(cast(" ~ cost ~ " as double) / cast(" ~ quantity ~ " as double) as decimal(38, 12))" -%}
    {%- set missed = "(cast(" ~ cost ~ " as decimal(38, 24)) - " ~ first ~ " * " ~ quantity ~ ")" -%}
    case
        when
            {{ quantity }} = 0 or sign({{ cost }}) * sign({{ quantity }}) < 0
            or abs({{ cost }}) >= 100000000 or abs({{ quantity }}) >= 100000000000
            or abs({{ cost }}) >= abs({{ quantity }}) * 10000000000
            then null
        else cast(
            cast({{ first }} as decimal(38, 24))
            + cast(cast({{ missed }} as double) / cast({{ quantity }} as double) as decimal(38, 24))
            as decimal(38, 24)
        )
    end
{%- endmacro %}

{# who bills, and what the provider calls the accounts #}
{% macro focus_providers() -%}
    select * from (
        values
        ('aws', 'AWS', 'Payer Account', 'Account'),
        ('azure', 'Microsoft', 'Billing Account', 'Subscription'),
        ('gcp', 'Google Cloud', 'Billing Account', 'Project'),
        ('anthropic', 'Anthropic', 'Organization', 'Workspace'),
        ('openai', 'OpenAI', 'Organization', 'Project')
    ) as known (provider, provider_name, billing_account_type, sub_account_type)
{%- endmacro %}

{# the kind of resource that an ARN or an id of Azure or Google names #}
{% macro focus_resource_type(row) -%}
    nullif(case {{ row }}.provider
        when 'aws' then regexp_extract({{ row }}.resource_id, '^arn:[^:]*:[^:]*:[^:]*:[^:]*:([^/:]+)', 1)
        when 'azure' then regexp_extract({{ row }}.resource_id, '/providers/([^/]+/[^/]+)', 1)
        when 'gcp' then coalesce(
            nullif(regexp_extract({{ row }}.resource_id, '/([^/]+)/[^/]+$', 1), ''),
            case when {{ row }}.resource_id is not null then 'subscription' end
        )
    end, '')
{%- endmacro %}

{# model and token class as properties of the price; FOCUS 1.2 knows none for models, so they carry the mark of our own #}
{% macro focus_sku_price_details(models, pairs) -%}
    nullif(cast(to_json(map_from_entries(list_filter(
        [
            {'key': 'x_ModelDeveloper', 'value': any_value({{ models }}.developer)},
            {'key': 'x_ModelFamily', 'value': any_value({{ models }}.family)},
            {'key': 'x_ModelId', 'value': {{ pairs }}.model},
            {'key': 'x_ModelVersion', 'value': any_value({{ models }}.version)},
            {'key': 'x_TokenType', 'value': case {{ pairs }}.token_class
                when 'input' then 'Input'
                when 'output' then 'Output'
                when 'cache_read' then 'CacheRead'
                when 'cache_write_5m' then 'CacheWrite'
                when 'cache_write_1h' then 'CacheWrite'
            end},
            {'key': 'x_CacheDuration', 'value': case {{ pairs }}.token_class
                when 'cache_write_5m' then '5 Minutes'
                when 'cache_write_1h' then '1 Hour'
            end}
        ],
        lambda entry: entry.value is not null
    ))) as varchar), '{}')
{%- endmacro %}

{# whether a charge of a commitment is the part that nobody used #}
{% macro focus_is_unused() -%}
    charge_category = 'Usage' and commitment_id is not null
    and coalesce(contains(resource_id, '/reservationorders/'), true)
{%- endmacro %}

{# how the charge that a row is part of was shared: the measure first, then the splits that were decided, in their order #}
{% macro focus_allocation_method() -%}
    nullif(concat_ws(
        ' > ',
        case when native_method in ('gateway_share', 'capacity_share') then native_method end,
        'split ' || split_path
    ), '')
{%- endmacro %}

{# whom a part is allocated to; the keys carry our mark, as tags that a data generator defines need one #}
{% macro focus_allocated_tags() -%}
    '{' || concat_ws(
        ',',
        {%- for name in ['team', 'product', 'environment'] %}
        '"inferledger/{{ name }}":' || nullif(cast(to_json({{ name }}) as varchar), 'null'){{ ',' if not loop.last }}
        {%- endfor %}
    ) || '}'
{%- endmacro %}

{# FOCUS 1.2 in its own order, then the Allocated columns of 1.3, then ours #}
{% macro focus_columns() -%}
        billed_cost as "BilledCost",
        billing_account_id as "BillingAccountId",
        cast(null as varchar) as "BillingAccountName",
        billing_account_type as "BillingAccountType",
        billing_currency as "BillingCurrency",
        cast(billing_month + interval '1 month' as timestamp) as "BillingPeriodEnd",
        cast(billing_month as timestamp) as "BillingPeriodStart",
        charge_category as "ChargeCategory",
        charge_class as "ChargeClass",
        concat_ws(', ', service_name, sku, nullif(charge_category, 'Usage')) as "ChargeDescription",
        case when charge_category = 'Usage' then 'Usage-Based' else 'One-Time' end as "ChargeFrequency",
        cast(charge_date + interval '1 day' as timestamp) as "ChargePeriodEnd",
        cast(charge_date as timestamp) as "ChargePeriodStart",
        case when commitment_id is not null then 'Usage' end as "CommitmentDiscountCategory",
        commitment_id as "CommitmentDiscountId",
        cast(null as varchar) as "CommitmentDiscountName",
        case when commitment_id is not null and is_priced then pricing_quantity end as "CommitmentDiscountQuantity",
        case
            when commitment_id is null or charge_category <> 'Usage' then null
            when {{ focus_is_unused() }} then 'Unused'
            else 'Used'
        end as "CommitmentDiscountStatus",
        case when commitment_id is not null then 'Reservation' end as "CommitmentDiscountType",
        case when commitment_id is not null and is_priced then pricing_unit end as "CommitmentDiscountUnit",
        case
            when charge_category <> 'Usage' or {{ focus_is_unused() }} then null
            else coalesce(cast(consumed_tokens as decimal(38, 12)), pricing_quantity)
        end as "ConsumedQuantity",
        case
            when charge_category <> 'Usage' or {{ focus_is_unused() }} then null
            when consumed_tokens is not null then 'Tokens'
            when pricing_quantity is not null then pricing_unit
        end as "ConsumedUnit",
        contracted_cost as "ContractedCost",
        case when is_priced then {{ unit_price('contracted_cost', 'pricing_quantity') }} end as "ContractedUnitPrice",
        effective_cost as "EffectiveCost",
        invoice_id as "InvoiceId",
        provider_name as "InvoiceIssuerName",
        public_cost as "ListCost",
        case when is_priced then {{ unit_price('public_cost', 'pricing_quantity') }} end as "ListUnitPrice",
        case
            when charge_category = 'Tax' then null
            when pricing_category = 'committed' and charge_category = 'Usage' then 'Committed'
            when pricing_category = 'other' then 'Other'
            else 'Standard'
        end as "PricingCategory",
        pricing_quantity as "PricingQuantity",
        case when pricing_quantity is not null then pricing_unit end as "PricingUnit",
        provider_name as "ProviderName",
        case
            when provider = 'aws' and contains(service_name, '(Amazon Bedrock Edition)') then coalesce(developer, provider_name)
            when provider = 'azure' and product_family <> service_name then product_family
            else provider_name
        end as "PublisherName",
        region_id as "RegionId",
        region_name as "RegionName",
        resource_id as "ResourceId",
        case when provider = 'azure' then nullif(regexp_extract(resource_id, '[^/]+$'), '') end as "ResourceName",
        resource_type as "ResourceType",
        'AI and Machine Learning' as "ServiceCategory",
        service_name as "ServiceName",
        'Generative AI' as "ServiceSubcategory",
        case when charge_category <> 'Tax' then sku_key end as "SkuId",
        case when charge_category <> 'Tax' then sku end as "SkuMeter",
        case when charge_category <> 'Tax' and sku_key is not null then details end as "SkuPriceDetails",
        case when charge_category <> 'Tax' then sku_key end as "SkuPriceId",
        sub_account_id as "SubAccountId",
        sub_account_name as "SubAccountName",
        case when sub_account_id is not null then sub_account_type end as "SubAccountType",
        tags as "Tags",
        case
            when allocated_by is not null then '{"Elements":[{"AllocatedRatio":' || allocated_ratio || '}]}'
        end as "AllocatedMethodDetails",
        allocated_by as "AllocatedMethodId",
        case when is_explained then concat_ws('/', team, product, environment) end as "AllocatedResourceId",
        case when is_explained then coalesce(product, team) end as "AllocatedResourceName",
        case when is_explained then {{ focus_allocated_tags() }} end as "AllocatedTags",
        attribution_confidence as "x_AttributionConfidence",
        attribution_evidence as "x_AttributionEvidence",
        attribution_method as "x_AttributionMethod",
        billed_cost_usd as "x_BilledCostUsd",
        context_band as "x_ContextBand",
        cost_status as "x_CostStatus",
        effective_cost_usd as "x_EffectiveCostUsd",
        environment as "x_Environment",
        model as "x_Model",
        product as "x_Product",
        provider as "x_Provider",
        region_class as "x_RegionClass",
        service_tier as "x_ServiceTier",
        team as "x_Team",
        token_class as "x_TokenClass",
        workload_id as "x_WorkloadId"
{%- endmacro %}
