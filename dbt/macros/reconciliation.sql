{# the hour in UTC at which a UTC date holds midnight in California: 7 in summer time, else 8 #}
{% macro pacific_midnight_hour(day) -%}
    case
        when
            {{ day }} > {{ first_sunday("make_date(extract(year from " ~ day ~ "), 3, 8)") }}
            and {{ day }} <= {{ first_sunday("make_date(extract(year from " ~ day ~ "), 11, 1)") }}
            then 7
        else 8
    end
{%- endmacro %}

{# the first Sunday on or after a date #}
{% macro first_sunday(day) -%}
    cast({{ day }} + cast((7 - extract(dow from {{ day }})) % 7 as integer) as date)
{%- endmacro %}

{#
    The workload that metered and billed tokens are compared by. Azure's bill names the account only where no tag says
    which of several deployments it was: there both sides are compared by account.
#}
{% macro reconciled_workload(workload_id, account_id) -%}
    coalesce({{ account_id }}, {{ workload_id }})
{%- endmacro %}

{# what a row of fct_reconciliation compares, as one word #}
{% macro reconciliation_id() -%}
    concat_ws(
        '|', provider, coalesce(billing_account_id, ''), usage_date, coalesce(workload_id, ''), coalesce(model, ''), token_class
    )
{%- endmacro %}

{# a price of dim_price that holds on a day for a row's provider, model and token class #}
{% macro priced_on(prices, row, region_class, service_tier, context_band) -%}
    {{ row }}.provider = {{ prices }}.provider
    and {{ row }}.model = {{ prices }}.model
    and {{ row }}.token_class = {{ prices }}.token_class
    and {{ region_class }} = {{ prices }}.region_class
    and {{ service_tier }} = {{ prices }}.service_tier
    and {{ context_band }} = {{ prices }}.context_band
    and {{ holds_on(prices, row ~ '.usage_date') }}
{%- endmacro %}

{# whether one count is the other a thousand or a million times, up to the rounding of a day's 24 rows #}
{% macro is_other_unit(metered, billed) -%}
    (
        ({{ billed }} >= 50 and abs({{ metered }} - 1000 * {{ billed }}) <= 12 * 1000)
        or ({{ billed }} >= 50 and abs({{ metered }} - 1000000 * {{ billed }}) <= 12 * 1000000)
        or ({{ metered }} >= 50 and abs({{ billed }} - 1000 * {{ metered }}) <= 12 * 1000)
        or ({{ metered }} >= 50 and abs({{ billed }} - 1000000 * {{ metered }}) <= 12 * 1000000)
    )
{%- endmacro %}

{# a price as people write it #}
{% macro price_text(usd_per_mtok) -%}
    rtrim(rtrim(cast({{ usd_per_mtok }} as varchar), '0'), '.') || ' USD per million'
{%- endmacro %}

{% macro instead_of_text(tokens, found, due) -%}
    {{ tokens }} || ' tokens at ' || coalesce({{ price_text(found) }}, 'an unknown price') || ' instead of ' || {{ price_text(due) }}
{%- endmacro %}

{# whether more was charged than the provider's own list price makes it: no discount explains that #}
{% macro is_above_list(row) -%}
    {{ row }}.charged_cost_usd > {{ row }}.list_cost_usd + 0.0001
{%- endmacro %}

{# why a bill is off the price that is due, from a row of int_billed_price_gaps #}
{% macro off_price_text() -%}
    case
        when price_gaps.found_usd_per_mtok is not null
            then {{ instead_of_text('price_gaps.billed_tokens', 'price_gaps.found_usd_per_mtok', 'price_gaps.due_usd_per_mtok') }}
        when price_gaps.off_class = 'provider_list'
            then 'the provider''s own list price makes it ' || price_gaps.list_cost_usd || ' USD, ours ' || price_gaps.due_list_cost_usd
        when price_gaps.off_class = 'price_date' then 'converted at the rates of more than one month'
        else price_gaps.billed_tokens || ' tokens: due ' || price_gaps.due_cost_usd || ' USD, charged ' || price_gaps.charged_cost_usd
    end
{%- endmacro %}

{% macro dollars_text(usd) -%}
    rtrim(rtrim(cast({{ usd }} as varchar), '0'), '.') || ' USD'
{%- endmacro %}
