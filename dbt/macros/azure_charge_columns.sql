{#
    Team, product and environment by Azure's own tags: the deployment's tag where it names the team, else the tag that
    the account's usage carried. A deployment's tag that names no team still adds product and environment.
#}
{% macro azure_native_tags(deployment_tags, resource_tags) -%}
    coalesce({{ tag_value(deployment_tags, 'team') }}, {{ tag_value(resource_tags, 'team') }}) as native_team,
    coalesce({{ tag_value(deployment_tags, 'product') }}, {{ tag_value(resource_tags, 'product') }}) as native_product,
    coalesce({{ tag_value(deployment_tags, 'environment') }}, {{ tag_value(resource_tags, 'environment') }})
        as native_environment,
    coalesce({{ tag_evidence(deployment_tags, 'team') }}, {{ tag_evidence(resource_tags, 'team') }}) as native_evidence,
    {{ carried_tags([('deployment_tag', deployment_tags), ('resource_tag', resource_tags)]) }} as carried_tags,
    case
        when {{ tag_value(deployment_tags, 'team') }} is not null then 'deployment_tag'
        when {{ tag_value(resource_tags, 'team') }} is not null then 'resource_tag'
    end as native_method
{%- endmacro %}

{# the columns that every cloud's charges have, from a described Azure row #}
{% macro azure_charge_columns() -%}
    charge_date,
    billing_month,
    'azure' as provider,
    billing_account_id,
    sub_account_id,
    region_id,
    service_name,
    consumed_service as service_id,
    meter as sku,
    -- what partners sell stands under a category of all marketplaces; its publisher says what it is
    case
        when lower(publisher_name) not in ('microsoft', 'azure', 'microsoft corporation') then publisher_name
        else service_name
    end as product_family,
    resource_id,
    workload_id,
    native_team,
    native_product,
    native_environment,
    native_method,
    native_evidence,
    carried_tags,
    provider_model_name,
    model,
    token_class,
    -- what a token price depends on; other rows have none
    case when token_class = 'other' then null when price_scope = 'data_zone' then 'geo' else price_scope end as region_class,
    case service_tier when 'on_demand' then 'standard' else service_tier end as service_tier,
    case when token_class = 'other' then null when context_band = 'long' then 'long' else 'default' end as context_band,
    case
        when pricing_model in ('Reservation', 'SavingsPlan') then 'committed'
        when charge_type = 'Usage' and pricing_model = 'OnDemand' then coalesce(service_tier, 'on_demand')
        else 'other'
    end as pricing_category,
    case charge_type
        when 'Usage' then 'Usage'
        when 'UnusedReservation' then 'Usage'
        when 'UnusedSavingsPlan' then 'Usage'
        when 'Purchase' then 'Purchase'
        when 'Refund' then 'Credit'
        when 'Tax' then 'Tax'
        else 'Adjustment'
    end as charge_category,
    -- a month can move until the fifth day after its end
    case
        when
            date_add(date_add(billing_month, interval '1 month'), interval '5 days')
            <= cast('{{ var("as_of") }}' as timestamp)
            then 'final'
        else 'provisional'
    end as cost_status,
    billing_currency,
    case when billing_currency = 'USD' then cast(1 as decimal(18, 12)) else usd_per_currency end as usd_per_currency,
    billed_cost,
    effective_cost,
    list_cost,
    case
        when token_class <> 'other' then cast(round(billed_quantity * block_size) as bigint)
    end as consumed_tokens,
    invoice_id,
    sku_id,
    charge_class,
    -- quantities are in the blocks of the unit of measure; unused reservation hours stand in the amortized view alone
    case
        when charge_type in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan', 'Purchase')
            then coalesce(nullif(billed_quantity, 0), amortized_quantity)
    end as pricing_quantity,
    case
        when charge_type in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan', 'Purchase')
            then if(token_class = 'other', {{ focus_unit('unit_of_measure') }}, {{ token_unit('block_size') }})
    end as pricing_unit,
    sub_account_name,
    coalesce(commitment_id, nullif(regexp_extract(resource_id, '/reservationorders/([^/]+)', 1), '')) as commitment_id,
    {{ tags_json('native_tags') }} as tags
{%- endmacro %}
