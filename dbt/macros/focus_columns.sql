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
