{# whether a row of the AWS bill is for Bedrock: four offer codes of AWS itself, or a Marketplace listing for Bedrock #}
{% macro aws_is_bedrock(billing_entity, product_code, product_name) -%}
    coalesce(
        (
            {{ billing_entity }} = 'AWS'
            and (
                {{ product_code }} in (
                    'AmazonBedrock', 'AmazonBedrockService', 'AmazonBedrockFoundationModels', 'AmazonBedrockAgentCore'
                )
                or ({{ product_code }} is null and starts_with({{ product_name }}, 'Amazon Bedrock'))
            )
        )
        or ({{ billing_entity }} = 'AWS Marketplace' and contains({{ product_name }}, 'Bedrock')),
        false
    )
{%- endmacro %}

{#
    Who called, without the session: a role has a new session for each caller and hour, and a million principals help
    nobody.
#}
{% macro aws_role(principal) -%}
    case
        when contains({{ principal }}, ':assumed-role/')
            then regexp_replace({{ principal }}, '(:assumed-role/[^/]+)/.*$', '\1')
        else {{ principal }}
    end
{%- endmacro %}

{# FOCUS charge category of a line item type #}
{% macro aws_charge_category(line_item_type) -%}
    case
        when {{ line_item_type }} in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') then 'Usage'
        when {{ line_item_type }} = 'Tax' then 'Tax'
        when {{ line_item_type }} in ('Credit', 'Refund') then 'Credit'
        when {{ line_item_type }} in (
            'Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee', 'FlatRateSubscription'
        ) then 'Purchase'
        else 'Adjustment'
    end
{%- endmacro %}

{# the caller's own tags, out of the tags column of CUR 2.0, under their bare keys #}
{% macro aws_principal_tags(tags) -%}
    map_from_entries(list_transform(
        list_filter(map_entries({{ tags }}), lambda tag: starts_with(lower(tag.key), 'iamprincipal/')),
        lambda tag: {'key': substr(tag.key, 14), 'value': tag.value}
    ))
{%- endmacro %}
