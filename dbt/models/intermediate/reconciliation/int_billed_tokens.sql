{{ config(
    materialized='incremental',
    meta={
        'part': 'usage_date',
        'built_from': {
            'int_charges_scoped': 'charge_date', 'int_azure_billed_accounts': 'whole', 'dim_price': 'whole',
        },
    },
    **by_part()
) }}

{% set bucket %}
    provider, billing_account_id, usage_date, workload_id, model, token_class, region_class, service_tier, context_band
{% endset %}

with

charges as (
    select
        *,
        charge_date as usage_date
    from {{ ref('int_charges_scoped') }}
    where is_in_scope and token_class <> 'other' and {{ is_changed_part('charge_date') }}
),

prices as (
    select * from {{ ref('dim_price') }}
),

billed_accounts as (
    select * from {{ ref('int_azure_billed_accounts') }}
),

placed as (
    select
        charges.* replace (
            {{ reconciled_workload('charges.workload_id', 'billed_accounts.account_id') }} as workload_id,
            coalesce(charges.service_tier, 'standard') as service_tier,
            coalesce(charges.context_band, 'default') as context_band
        )
    from charges
    -- an account and model stand once: the join changes no row count
    left join billed_accounts
        on
            charges.provider = 'azure'
            and split_part(charges.workload_id, '/', 1) = billed_accounts.account_id
            and charges.model = billed_accounts.model
),

-- a contract discount that stands on a row of its own belongs to the price, a credit does not; few rates stand on many
-- rows, so they are multiplied once each
by_rate as (
    select
        {{ bucket }},
        usd_per_currency,
        max(sub_account_id) as sub_account_id,
        sum(consumed_tokens) as billed_tokens,
        {{ known_sum("billed_cost_usd") }} as billed_cost_usd,
        sum(billed_cost_usd) filter (where charge_category = 'Credit') as credit_usd,
        {{ known_sum("list_cost") }} as list_cost,
        bool_and(billed_cost = round(billed_cost, 2)) as is_whole_cents,
        sum(abs(billed_cost)) as moved_cost,
        bool_or(cost_status <> 'final') as is_provisional
    from placed
    group by {{ bucket }}, usd_per_currency
),

billed as (
    select
        {{ bucket }},
        max(sub_account_id) as sub_account_id,
        cast(coalesce(sum(billed_tokens), 0) as bigint) as billed_tokens,
        {{ known_sum("billed_cost_usd") }} as billed_cost_usd,
        cast(coalesce(sum(credit_usd), 0) as decimal(38, 12)) as credit_usd,
        {{ known_sum(money_mul("list_cost", "usd_per_currency")) }} as list_cost_usd,
        bool_and(is_whole_cents) as is_whole_cents,
        max(usd_per_currency) as highest_rate,
        min(usd_per_currency) as lowest_rate,
        cast(sum(moved_cost) as decimal(38, 12)) as moved_cost,
        bool_or(is_provisional) as is_provisional
    from by_rate
    group by {{ bucket }}
),

-- each join finds at most one price: no row is repeated
priced as (
    select
        billed.*,
        standard.contract_usd_per_mtok as standard_usd_per_mtok,
        in_tier.contract_usd_per_mtok as tier_usd_per_mtok,
        due.contract_usd_per_mtok as due_usd_per_mtok,
        due.usd_per_mtok as list_usd_per_mtok
    from billed
    left join prices as standard on {{ priced_on('standard', 'billed', 'billed.region_class', "'standard'", "'default'") }}
    left join prices as in_tier on {{ priced_on('in_tier', 'billed', 'billed.region_class', 'billed.service_tier', "'default'") }}
    left join prices as due on {{ priced_on('due', 'billed', 'billed.region_class', 'billed.service_tier', 'billed.context_band') }}
),

-- the way from the standard price to what the row says it is, and to what was billed; each step adds up exactly
stepped as (
    select
        *,
        {{ class_cost('billed_tokens', 'standard_usd_per_mtok') }} as standard_cost_usd,
        {{ class_cost('billed_tokens', 'coalesce(tier_usd_per_mtok, standard_usd_per_mtok)') }} as tier_cost_usd,
        {{ class_cost('billed_tokens', 'coalesce(due_usd_per_mtok, tier_usd_per_mtok, standard_usd_per_mtok)') }} as due_cost_usd,
        {{ class_cost('billed_tokens', 'list_usd_per_mtok') }} as due_list_cost_usd,
        cast(billed_cost_usd - credit_usd as decimal(38, 12)) as charged_cost_usd
    from priced
)

select
    {{ reconciliation_id() }} as reconciliation_id,
    *
from stepped
