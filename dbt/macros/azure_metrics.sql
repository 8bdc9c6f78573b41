{#- The metrics of an hour or minute side by side. Azure Monitor sums whole numbers as doubles; they carry counts exactly. -#}
{% macro azure_count(metric, condition='true') -%}
    cast(sum(total) filter (where metric = '{{ metric }}' and {{ condition }}) as bigint)
{%- endmacro %}

{% macro azure_pivoted_metrics() -%}
    {{ azure_count('ProcessedPromptTokens') }} as old_prompt_tokens,
    {{ azure_count('GeneratedTokens') }} as old_output_tokens,
    {{ azure_count('ActiveTokens') }} as active_tokens,
    {{ azure_count('InputTokens') }} as new_prompt_tokens,
    {{ azure_count('OutputTokens') }} as new_output_tokens,
    {{ azure_count('TotalTokens') }} as new_total_tokens,
    {{ azure_count('cacheReadInputTokens') }} as cache_read_tokens,
    {{ azure_count('ephemeral5mInputTokens') }} as cache_write_5m_tokens,
    {{ azure_count('ephemeral1hInputTokens') }} as cache_write_1h_tokens,
    {%- for name, metric in [('old', 'AzureOpenAIRequests'), ('new', 'ModelRequests')] %}
    {{ azure_count(metric) }} as {{ name }}_count,
    {{ azure_count(metric, "status_code like '2%'") }} as {{ name }}_answered_count,
    {{ azure_count(metric, "status_code like '2%' and is_spillover") }} as {{ name }}_spilled_in_count,
    {{ azure_count(metric, "status_code = '429'") }} as {{ name }}_throttled_count,
    {{ azure_count(metric, "status_code not like '2%' and status_code <> '429'") }} as {{ name }}_error_count,
    {%- endfor %}
    coalesce(
        max(average) filter (where metric = 'AzureOpenAIProvisionedManagedUtilizationV2'),
        max(average) filter (where metric = 'ProvisionedUtilization')
    ) as utilization_pct
{%- endmacro %}

{#- The older set where an hour has any of it, else the newer one. Some models count their reasoning in the total alone. -#}
{% macro azure_chosen_metrics() -%}
    {%- set has_old = 'coalesce(old_prompt_tokens, old_output_tokens) is not null' -%}
    case when {{ has_old }} then old_prompt_tokens else new_prompt_tokens end as prompt_tokens,
    case
        when {{ has_old }} then old_output_tokens
        else coalesce(new_total_tokens - new_prompt_tokens, new_output_tokens)
    end as output_tokens,
    active_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    {%- for count in ['answered_count', 'spilled_in_count', 'throttled_count', 'error_count'] %}
    case when old_count is not null then old_{{ count }} else new_{{ count }} end as {{ count }},
    {%- endfor %}
    utilization_pct
{%- endmacro %}
