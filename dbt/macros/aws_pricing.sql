{# the size of the blocks that a token row of Bedrock is priced in #}
{% macro aws_block_size(row) -%}
    case
        when {{ row }}.token_class = 'other' or {{ row }}.unit_tokens is null then null
        when lower({{ row }}.pricing_unit) in ('1k tokens', '1k token') then 1000
        when lower({{ row }}.pricing_unit) in ('tokens', 'token') then 1
        else 1000000
    end
{%- endmacro %}

{# what a row was priced by, in its own unit: blocks of tokens, or whatever else the bill counts #}
{% macro aws_pricing_quantity(row) -%}
    coalesce(
        {{ token_blocks(row ~ '.unit_tokens', aws_block_size(row)) }},
        {{ row }}.other_quantity,
        -- images, searches and the like that the Marketplace counts in units too
        {{ token_blocks(row ~ '.unit_tokens', '1000000') }}
    )
{%- endmacro %}

{% macro aws_pricing_unit(row) -%}
    coalesce({{ token_unit(aws_block_size(row)) }}, {{ focus_unit(row ~ '.pricing_unit') }})
{%- endmacro %}

{# only use and purchases are priced: a discount row repeats the quantity of the row it lowers #}
{% macro aws_priced(row, expression) -%}
    case when {{ aws_charge_category(row ~ '.line_item_type') }} in ('Usage', 'Purchase') then {{ expression }} end
{%- endmacro %}
