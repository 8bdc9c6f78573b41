with

billed_meters as (
    select
        service_name,
        meter_subcategory,
        meter,
        unit_of_measure
    from {{ ref('int_azure_costs') }}
    where meter is not null and consumed_service in ('Microsoft.CognitiveServices', 'Microsoft.Capacity')
    group by service_name, meter_subcategory, meter, unit_of_measure
),

names as (
    select * from {{ ref('azure_model_names') }}
    where name_kind = 'meter'
),

worded as (
    select
        *,
        {{ azure_meter_words('meter') }} as words,
        {{ azure_block_size('unit_of_measure') }} as block_size,
        lower(meter) like 'provisioned managed%' as is_provisioned
    from billed_meters
),

classed as (
    select
        *,
        array_to_string(
            list_filter(words, lambda word: not list_contains({{ azure_spellings('any') }}, word)), ' '
        ) as meter_model_name,
        case
            when is_provisioned then 'other'
            when list_has_any(words, {{ azure_spellings('cached') }}) and list_has_any(words, {{ azure_spellings('write') }})
                then 'cache_write_5m'
            when list_has_any(words, {{ azure_spellings('cached') }}) then 'cache_read'
            when list_has_any(words, {{ azure_spellings('output') }}) then 'output'
            when list_has_any(words, {{ azure_spellings('input') }}) then 'input'
            else 'other'
        end as token_class,
        case
            when list_has_any(words, {{ azure_spellings('data_zone') }}) then 'data_zone'
            when list_has_any(words, {{ azure_spellings('global') }}) then 'global'
            when list_has_any(words, {{ azure_spellings('regional') }}) then 'regional'
        end as price_scope,
        case
            when is_provisioned then 'provisioned'
            when list_has_any(words, {{ azure_spellings('batch') }}) then 'batch'
            when list_has_any(words, {{ azure_spellings('priority') }}) then 'priority'
            when list_has_any(words, {{ azure_spellings('flex') }}) then 'flex'
            else 'on_demand'
        end as service_tier
    from worded
),

-- names are unique in the seed: the join changes no row count
named as (
    select
        classed.service_name,
        classed.meter_subcategory,
        classed.meter,
        classed.unit_of_measure,
        classed.block_size,
        case when not classed.is_provisioned then classed.meter_model_name end as provider_model_name,
        names.model,
        classed.token_class,
        classed.price_scope,
        classed.service_tier,
        classed.is_provisioned
    from classed
    left join names
        on not classed.is_provisioned and classed.meter_model_name = names.provider_model_name
)

select * from named
