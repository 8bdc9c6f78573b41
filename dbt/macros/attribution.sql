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

{#
    Which tag or rule decided, as the column attribution_evidence: the tag as the provider spells it, or the rule's id.

    Expects native_team, native_evidence, owner_team and owner_rule_id. NULL where nothing decided, and where the
    provider's own word for a team comes from no tag.
#}
{% macro attribution_evidence() -%}
    case
        when native_team is not null then native_evidence
        when owner_team is not null then 'rule ' || owner_rule_id
    end as attribution_evidence
{%- endmacro %}

{#
    How far a method can be wrong, as a word. high: the thing that was billed says whose it is; medium: what it lies in
    says so, or the use of it was measured; low: somebody decided it once for all that lies there.
#}
{% macro attribution_confidence(method) -%}
    case
        when {{ method }} in ('profile_tag', 'request_label', 'deployment_tag') then 'high'
        when {{ method }} in ('resource_tag', 'gateway_share', 'capacity_share', 'principal') then 'medium'
        when {{ method }} in ('owner', 'rule') then 'low'
    end
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
        when 'profile_name' then {{ thing }}.profile_name
        when 'model' then {{ thing }}.model
        when 'principal' then {{ thing }}.principal
        when 'gateway_key' then {{ thing }}.key_id
    end
{%- endmacro %}

{# which of several rules that match a thing decides: one that names the caller, then the lowest priority number #}
{% macro rule_order(rules) -%}
    {{ rules }}.method = 'principal' desc, {{ rules }}.priority asc nulls last, {{ rules }}.rule_id asc
{%- endmacro %}
