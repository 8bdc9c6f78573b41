with

billed_meters as (
    select
        service_name,
        meter_subcategory,
        meter,
        unit_of_measure
    from {{ ref('int_azure_costs') }}
    where
        meter is not null
        -- models of partners are used through other namespaces, and the category is theirs alone
        and (
            consumed_service in ('Microsoft.CognitiveServices', 'Microsoft.Capacity')
            or service_name in ('Foundry Models', 'Azure OpenAI')
        )
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
        {{ azure_meter_words("coalesce(meter_subcategory, '')") }} as family_words,
        {{ azure_block_size('unit_of_measure') }} as block_size,
        {{ azure_meter_kind('meter') }} as meter_kind
    from billed_meters
),

classed as (
    select
        *,
        meter_kind = 'provisioned' as is_provisioned,
        {{ azure_model_words('words') }} as model_words,
        list_filter(words, lambda word: regexp_full_match(word, '{{ azure_version_pattern() }}'))[1] as model_version,
        case
            when meter_kind <> 'tokens' then 'other'
            when list_has_any(words, {{ azure_spellings('cached') }}) and list_has_any(words, {{ azure_spellings('write') }})
                then 'cache_write_5m'
            when list_has_any(words, {{ azure_spellings('cached') }}) then 'cache_read'
            when list_has_any(words, {{ azure_spellings('output') }}) then 'output'
            when list_has_any(words, {{ azure_spellings('input') }}) then 'input'
            -- an embedding has no output to bill
            when list_contains(words, 'embedding') then 'input'
            else 'other'
        end as token_class,
        case
            when list_has_any(words, {{ azure_spellings('data_zone') }}) then 'data_zone'
            when list_has_any(words, {{ azure_spellings('global') }}) then 'global'
            when list_has_any(words, {{ azure_spellings('regional') }}) then 'regional'
        end as price_scope,
        case
            when meter_kind in ('provisioned', 'commitment') then 'provisioned'
            when list_has_any(words, {{ azure_spellings('batch') }}) then 'batch'
            when list_has_any(list_concat(words, family_words), {{ azure_spellings('priority') }}) then 'priority'
            when list_has_any(words, {{ azure_spellings('flex') }}) then 'flex'
            else 'on_demand'
        end as service_tier,
        case
            when list_contains(words, 'shortco') then 'short'
            when list_contains(words, 'longco') then 'long'
        end as context_band
    from worded
),

-- the whole name first, so that a version of its own goes before its model; names are unique: no row is repeated
named as (
    select
        classed.service_name,
        classed.meter_subcategory,
        classed.meter,
        classed.unit_of_measure,
        classed.block_size,
        classed.meter_kind,
        case when classed.meter_kind = 'tokens' then array_to_string(classed.model_words, ' ') end as provider_model_name,
        classed.model_version,
        coalesce(whole.model, plain.model) as model,
        classed.token_class,
        classed.price_scope,
        classed.service_tier,
        classed.context_band,
        classed.is_provisioned
    from classed
    left join names as whole
        on classed.meter_kind = 'tokens' and array_to_string(classed.model_words, ' ') = whole.provider_model_name
    left join names as plain
        on
            classed.meter_kind = 'tokens'
            and array_to_string(
                list_filter(classed.model_words, lambda word: word is distinct from classed.model_version), ' '
            ) = plain.provider_model_name
)

select * from named
