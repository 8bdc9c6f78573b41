{#
    Who pays, from best evidence to none, as the columns team, product, environment and attribution_method.

    Expects native_team, native_product, native_environment, native_method (the provider's own tag or label) and
    owner_team, owner_product, owner_environment (the dated ownership rule of that day). The evidence that names the
    team decides; a rule adds product and environment only where it names that same team.
#}
{% macro attribution() -%}
    coalesce(native_team, owner_team, 'unallocated') as team,
    coalesce(
        native_product,
        case when native_team is null or native_team = owner_team then owner_product end
    ) as product,
    coalesce(
        native_environment,
        case when native_team is null or native_team = owner_team then owner_environment end
    ) as environment,
    case
        when native_team is not null then native_method
        when owner_team is not null then coalesce(owner_method, 'owner')
        else 'unallocated'
    end as attribution_method
{%- endmacro %}

{# the value of a thing that an ownership rule's field speaks of #}
{% macro ownership_value(field, thing) -%}
    case {{ field }}
        when 'billing_account' then {{ thing }}.billing_account_id
        when 'account' then {{ thing }}.sub_account_id
        when 'subscription' then {{ thing }}.sub_account_id
        when 'project' then {{ thing }}.sub_account_id
        when 'region' then {{ thing }}.region_id
        when 'service_name' then {{ thing }}.service_name
        when 'resource_group' then nullif(regexp_extract({{ thing }}.resource_id, '(?i)/resourcegroups/([^/]+)', 1), '')
        when 'resource_id' then {{ thing }}.resource_id
        when 'workload_id' then {{ thing }}.workload_id
        when 'principal' then {{ thing }}.principal
    end
{%- endmacro %}
