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
