{#
    FOCUS: discounts are inside BilledCost, so a month sums to the same as unblended cost with its discount rows. What a
    row meters stands in x_UsageType (1.0), SkuMeter (1.2) or nothing but the description. A Marketplace row is known by
    who publishes it. `meter`, `invoice`: columns of the version, NULL where it has none.
#}
{% macro aws_focus_rows(stream, meter, invoice, is_text=false) -%}
select
    {{ aws_word('BillingAccountId') }} as payer_account_id,
    {{ aws_word('SubAccountId') }} as usage_account_id,
    {{ aws_word(invoice) }} as invoice_id,
    {{ aws_word('ResourceId') }} as resource_id,
    cast(null as varchar) as iam_principal,
    {{ aws_word('SkuId') }} as sku_id,
    cast(null as varchar) as usage_account_name,
    {{ aws_word('ChargeClass') }} as charge_class,

    case
        when
            contains(ServiceName, '(Amazon Bedrock Edition)')
            or not regexp_matches(coalesce({{ aws_word('PublisherName') }}, 'AWS'), '^(AWS|Amazon)')
            then 'AWS Marketplace'
        else 'AWS'
    end as billing_entity,
    case when ChargeCategory = 'Purchase' then 'Fee' else ChargeCategory end as line_item_type,
    {{ aws_word('x_ServiceCode') }} as product_code,
    {{ aws_word('ServiceName') }} as product_name,
    coalesce({{ aws_word('x_UsageType') }}, {{ aws_word(meter) }}, {{ aws_word('ChargeDescription') }}) as usage_type,
    {{ aws_word('x_Operation') }} as operation,
    {{ aws_word('RegionId') }} as region_code,
    coalesce({{ aws_word('PricingUnit') }}, {{ aws_word('ConsumedUnit') }}) as pricing_unit,
    {{ aws_map('Tags', is_text) }} as resource_tags,
    cast(null as map(varchar, varchar)) as other_tags,

    coalesce(
        case when {{ aws_word('PricingUnit') }} is not null then {{ aws_quantity('PricingQuantity', is_text) }} end,
        {{ aws_quantity('ConsumedQuantity', is_text) }}
    ) as usage_amount,

    {{ aws_word('BillingCurrency') }} as currency_code,
    {{ to_money('BilledCost', is_double=not is_text) }} as unblended_cost,
    {{ to_money('EffectiveCost' if not is_text else aws_word('EffectiveCost'), is_double=not is_text) }} as net_unblended_cost,
    {{ to_money('ListCost' if not is_text else aws_word('ListCost'), is_double=not is_text) }} as public_on_demand_cost,

    not regexp_matches(coalesce({{ aws_word('ProviderName') }}, 'AWS'), '(?i)^(aws|amazon)') as is_foreign,
    {{ aws_month('BillingPeriodStart', is_text) }} as billing_month,
    {{ aws_time('ChargePeriodStart', is_text) }} as usage_start_at,
    {{ aws_time('ChargePeriodEnd', is_text) }} as usage_end_at,
    regexp_extract(filename, '([^/]+/){4}[^/]+$') as bill_file,
    _loaded_at as loaded_at
from {{ source('aws_cur', stream) }}
{%- endmacro %}
