{#
    The words of an Azure meter name: lower case, `-` and `_` as blanks, `data zone` as one word, and a four-digit
    version cut off the word it is glued to (`mini0718`). Azure's own spelling has no rule; see docs/sources/azure_cost.md.
#}
{% macro azure_meter_words(meter) -%}
    list_filter(
        string_split(
            regexp_replace(
                replace(regexp_replace(lower({{ meter }}), '[-_ ]+', ' ', 'g'), 'data zone', 'dzone'),
                '([a-z])([0-9]{4})\b', '\1 \2', 'g'
            ),
            ' '
        ),
        lambda word: word <> ''
    )
{%- endmacro %}

{# the words of a meter name that are left when class, scope, tier and unit are taken out: the model, and its version #}
{% macro azure_model_words(words) -%}
    list_filter({{ words }}, lambda word: not list_contains({{ azure_spellings('any') }}, word))
{%- endmacro %}

{# a model's version on a meter: month and day, 0806 for the sixth of August #}
{% macro azure_version_pattern() -%}
    (0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])
{%- endmacro %}

{#
    What a meter of AI services counts: `tokens`; `provisioned` hours of units; `commitment`, the older form of those,
    by the month; `hosting` of a fine-tuned deployment; `training`. Only a meter of tokens names a model to look up.
#}
{% macro azure_meter_kind(meter) -%}
    case
        when regexp_matches(lower({{ meter }}), 'provisioned[ -]managed') then 'provisioned'
        when regexp_matches(lower({{ meter }}), 'provisioned[ -]throughput') then 'commitment'
        when regexp_matches(lower({{ meter }}), 'hosting unit|model hosting') then 'hosting'
        when regexp_matches(lower({{ meter }}), 'training|mdl grdr|grader') then 'training'
        else 'tokens'
    end
{%- endmacro %}

{# every spelling of a part of a meter name that has been seen #}
{% macro azure_spellings(part) -%}
    {%- set spellings = {
        'input': ['inp', 'inpt', 'input', 'in'],
        'output': ['outp', 'outpt', 'output', 'opt', 'out'],
        'cached': ['cached', 'cd', 'cchd', 'cched', 'cach', 'cache'],
        'write': ['wr', 'write'],
        'global': ['glbl', 'gl', 'glb', 'global'],
        'data_zone': ['dzone', 'dz', 'datazone'],
        'regional': ['regnl', 'rgnl', 'regional'],
        'batch': ['batch'],
        'priority': ['pp', 'prty', 'priority'],
        'flex': ['flex', 'fl'],
        'context': ['shortco', 'longco'],
        'unit': ['tokens', 'token', '1m', '1k'],
    } -%}
    {%- if part == 'any' -%}
        {%- set all = [] -%}
        {%- for words in spellings.values() -%}{%- do all.extend(words) -%}{%- endfor -%}
        ['{{ all | join("', '") }}']
    {%- else -%}
        ['{{ spellings[part] | join("', '") }}']
    {%- endif -%}
{%- endmacro %}

{# how many units a block of UnitOfMeasure holds: 1K, 1M, 100, 1/Hour; NULL for a spelling that is not known #}
{% macro azure_block_size(unit_of_measure) -%}
    try_cast(regexp_extract(upper(trim({{ unit_of_measure }})), '^([0-9]+)([KM]?)($|[ /])', 1) as bigint)
    * case regexp_extract(upper(trim({{ unit_of_measure }})), '^([0-9]+)([KM]?)($|[ /])', 2)
        when 'K' then 1000
        when 'M' then 1000000
        else 1
    end
{%- endmacro %}

{# where a deployment type processes its requests #}
{% macro azure_price_scope(sku_name) -%}
    case
        when {{ sku_name }} like 'Global%' then 'global'
        when {{ sku_name }} like 'DataZone%' then 'data_zone'
        when {{ sku_name }} in ('Standard', 'ProvisionedManaged', 'Provisioned') then 'regional'
    end
{%- endmacro %}

{# which meters a deployment type is billed by #}
{% macro azure_billing_kind(sku_name) -%}
    case
        when {{ sku_name }} like '%Provisioned%' then 'provisioned'
        when {{ sku_name }} like '%Batch' then 'batch'
        when {{ sku_name }} like '%Standard' then 'standard'
    end
{%- endmacro %}
