{#
    Money at the border: text, double or decimal in, decimal(38, 12) out, rounded half to even.

    A double is taken as its shortest round-trip text first, so 0.1 is 0.1 and not its binary expansion.
    DuckDB's own cast from plain text rounds half away from zero: it differs from half even only where the text is an
    exact tie, that is a 5 as its last significant digit at the thirteenth decimal behind an even twelfth.
    Its cast from exponent text rounds twice (DuckDB 1.5.5 makes 0.598e-13 a whole 1e-12), so exponents are written
    out first. Blank text is NULL; text that is no number fails the model.
    is_double: whether the column is a double, for which there is a shorter way to the same money.
#}
{% macro to_money(expr, is_double=false) -%}
    {%- if is_double -%}
        case
            -- told first: an unknown amount would take the longest way, that of the last branch
            when {{ expr }} is null then null
            when abs({{ expr }}) < 99.0 then {{ small_double_money(expr) }}
            when abs({{ expr }}) < 900000.0 and cast(round({{ expr }} * 1e9) as bigint) / 1e9 = {{ expr }}
                then {{ units_money("cast(round(" ~ expr ~ " * 1e9) as bigint) * 1000") }}
            else {{ text_money("cast(" ~ expr ~ " as varchar)") }}
        end
    {%- else -%}
        {{ text_money("cast(" ~ expr ~ " as varchar)") }}
    {%- endif -%}
{%- endmacro %}

{#
    A double below 99 without the detour by text, which costs ten times as much. A decimal of at most fifteen digits is
    the only one of that length that a double stands for, and reading decimals as doubles keeps their order. So the
    shortest text of a double lies above, on or below a tie of thirteen decimals as the double lies to the tie's own
    double, (10 n + 5) / 1e13: n is the nearest whole number of 1e-12, moved by one where the double is past a tie.
    Most doubles are far from any: below 99 the double and its product with 1e12 miss the true value by 0.016 at most, so
    what lies within 0.48 of a whole number is that number.
#}
{% macro small_double_money(expr) -%}
    {%- set n = "cast(round(" ~ expr ~ " * 1e12) as bigint)" -%}
    {%- set above, below = "(10 * " ~ n ~ " + 5) / 1e13", "(10 * " ~ n ~ " - 5) / 1e13" -%}
    {{ units_money(
        "case when abs(" ~ expr ~ " * 1e12 - round(" ~ expr ~ " * 1e12)) < 0.48 then " ~ n
        ~ " else " ~ n ~ " + case when " ~ expr ~ " > " ~ below ~ " and " ~ expr ~ " < " ~ above ~ " then 0"
        ~ " when " ~ expr ~ " > " ~ above ~ " or (" ~ expr ~ " = " ~ above ~ " and " ~ n ~ " % 2 <> 0) then 1"
        ~ " when " ~ expr ~ " < " ~ below ~ " or (" ~ expr ~ " = " ~ below ~ " and " ~ n ~ " % 2 <> 0) then -1"
        ~ " else 0 end end"
    ) }}
{%- endmacro %}

{# whole units of 1e-12 as money #}
{% macro units_money(units) -%}
    cast(cast({{ units }} as decimal(18, 0)) * cast(0.000000000001 as decimal(13, 12)) as decimal(38, 12))
{%- endmacro %}

{# text without exponent and with at most twelve decimals needs no rounding; the rest goes the careful way #}
{% macro text_money(text) -%}
    case
        when
            not contains(lower({{ text }}), 'e')
            and (not contains({{ text }}, '.') or length({{ text }}) - strpos({{ text }}, '.') <= 12)
            and {{ text }} <> ''
            then cast({{ text }} as decimal(38, 12))
        else {{ rounded_money(text) }}
    end
{%- endmacro %}

{% macro rounded_money(text) -%}
    list_transform(
        list_transform([nullif(trim({{ text }}), '')], lambda t: {{ plain_number('t') }}),
        lambda t: case
            when regexp_matches(t, '\.[0-9]{12}50*$') and {{ is_odd_money('cast(t as decimal(38, 12))') }}
                then cast(cast(t as decimal(38, 12)) - case when t like '-%' then -1 else 1 end * cast(0.000000000001 as decimal(13, 12)) as decimal(38, 12))
            else cast(t as decimal(38, 12))
        end
    )[1]
{%- endmacro %}

{# number text without an exponent: 1.25e-05 becomes 0.0000125 #}
{% macro plain_number(text) -%}
    {%- set mantissa = "split_part(lower(" ~ text ~ "), 'e', 1)" -%}
    {%- set digits = "regexp_replace(" ~ mantissa ~ ", '[^0-9]', '', 'g')" -%}
    {%- set whole = "regexp_replace(split_part(" ~ mantissa ~ ", '.', 1), '[^0-9]', '', 'g')" -%}
    {%- set point = "cast(length(" ~ whole ~ ") + cast(split_part(lower(" ~ text ~ "), 'e', 2) as integer) as integer)" -%}
    case
        when regexp_matches({{ text }}, '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+$')
            then case when starts_with({{ text }}, '-') then '-' else '' end
                || case
                    when {{ point }} <= 0 then '0.' || repeat('0', -{{ point }}) || {{ digits }}
                    else rpad(left({{ digits }}, {{ point }}), {{ point }}, '0') || '.' || substr({{ digits }}, {{ point }} + 1)
                end
        else {{ text }}
    end
{%- endmacro %}

{# whether the twelfth decimal of a decimal(38, 12) is odd; an IN list would be joined to every row, outside of its CASE #}
{% macro is_odd_money(money) -%}
    contains('13579', right(cast({{ money }} as varchar), 1))
{%- endmacro %}
