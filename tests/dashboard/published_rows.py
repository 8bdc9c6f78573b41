"""The rows of the published file that tests read: SQL that fills one group of tables each, by rule."""

MONEY = "decimal(38,12)"
# provider, account, service, team, product, environment, model, method, currency, dollars per day, tokens per dollar
STREAMS = """
create temp table stream as select * from (values
    ('aws','210000000001','Claude Sonnet 4.5 (Amazon Bedrock Edition)','support','ticket-triage','prod',
     'claude-sonnet-4-5','profile_tag','USD',420.0,410000),
    ('aws','210000000001','Claude Haiku 4.5 (Amazon Bedrock Edition)','growth','email-writer','prod',
     'claude-haiku-4-5','profile_tag','USD',96.5,900000),
    ('aws','210000000002','Amazon Bedrock','payments','invoice-reader','prod','nova-pro','profile_tag','USD',188.2,
     800000),
    ('aws','210000000002','Claude Sonnet 4.5 (Amazon Bedrock Edition)','risk','kyc-reader','prod',
     'claude-sonnet-4-5','owner','USD',205.4,410000),
    ('aws','210000000003','Amazon Bedrock','data-platform','catalog-tagger','staging','nova-lite','profile_tag','USD',
     14.1,9000000),
    ('aws','210000000001','Claude Haiku 4.5 (Amazon Bedrock Edition)',null,null,null,'claude-haiku-4-5',
     'unallocated','USD',61.3,900000),
    ('gcp','acme-docs-prod','Vertex AI','docs','doc-translate','prod','gemini-2.5-pro','request_label','EUR',150.8,
     260000),
    ('gcp','acme-mobile-prod','Vertex AI','mobile','chat-companion','prod','gemini-2.5-flash','owner','EUR',88.0,
     1900000),
    ('gcp','acme-labs-7f','Vertex AI',null,null,null,null,'unallocated','EUR',22.0,null),
    ('azure','sub-apps','Cognitive Services','devtools','code-review','prod','gpt-4.1','resource_tag','USD',240.6,
     430000),
    ('azure','sub-shared','Cognitive Services','growth','ad-copy','prod','gpt-5-mini','deployment_tag','USD',58.4,
     2100000),
    ('azure','sub-data','Cognitive Services','data-platform','sql-copilot','prod','gpt-5','resource_tag','USD',132.9,
     350000)
) as s (provider, account, service, team, product, environment, model, method, currency, per_day, tokens_per_unit);
create temp table class_share as select * from (values
    ('input', 0.45, 0.50), ('output', 0.40, 0.10), ('cache_read', 0.10, 0.35), ('cache_write_5m', 0.05, 0.05)
) as c (token_class, cost_share, token_share);
create temp table day as
select date '{as_of}' - k::int as charge_date, k from range(1, {days} + 1) as d (k);
"""

SPEND = """
insert into fct_spend_daily
select
    charge_date, date_trunc('month', charge_date)::date, provider, provider || '-payer', account, 'us-east-1', service,
    team, product, environment, model, token_class, 'on_demand', 'Usage', method,
    case when charge_date < date '{as_of}' - 17 then 'final' else 'provisional' end, currency,
    cost, (cost * 0.94::decimal(4, 2))::decimal(38, 12), (cost * 1.10::decimal(4, 2))::decimal(38, 12),
    (cost * rate)::decimal(38, 12), (cost * rate * 0.94::decimal(4, 2))::decimal(38, 12), tokens
from (
    select
        s.*, d.charge_date, c.token_class,
        (s.per_day * c.cost_share * (0.85 + (hash(s.account || coalesce(s.product, '') || d.k) % 30) / 100.0)
            * case when isodow(d.charge_date) > 5 then 0.55 else 1 end
            * case when s.product = 'ticket-triage' and d.k between 5 and 8 then 3.4 else 1 end
            * case when d.k = 1 then 0.3 else 1 end)::decimal(38, 12) as cost,
        (s.per_day * s.tokens_per_unit * c.token_share * (0.9 + (hash(s.service || d.k) % 20) / 100.0))::bigint
            as tokens,
        case s.currency when 'EUR' then 1.08::decimal(8, 4) else 1 end as rate
    from stream as s cross join day as d cross join class_share as c
    where not (s.provider = 'azure' and d.k < 2)
);
insert into fct_spend_daily
select
    date '{as_of}' - 20, date_trunc('month', date '{as_of}' - 20)::date, 'gcp', 'gcp-payer', 'acme-docs-prod', null,
    'Vertex AI', null, null, null, null, 'other', 'other', 'Credit', 'unallocated', 'final', 'EUR',
    -512.75, -512.75, null, -553.77, -553.77, null;
insert into fct_spend_daily
select
    date '{as_of}' - 1, date_trunc('month', date '{as_of}' - 1)::date, 'azure', 'azure-payer', 'sub-apps', 'us-east-1',
    null, 'devtools', 'code-review', 'prod', 'gpt-4.1', 'input', 'on_demand', 'Usage', 'deployment_tag', 'estimate',
    'USD', null, 41.5, 44.25, null, 41.5, 1000;
"""

# added last, since the statements above fill the table by position
REPORTED = f"""
alter table fct_spend_daily add column reporting_currency varchar default 'EUR';
alter table fct_spend_daily add column billed_cost_reporting {MONEY};
alter table fct_spend_daily add column effective_cost_reporting {MONEY};
update fct_spend_daily set
    billed_cost_reporting = case billing_currency when 'EUR' then billed_cost else billed_cost_usd * 0.8 end,
    effective_cost_reporting = case billing_currency when 'EUR' then effective_cost else effective_cost_usd * 0.8 end;
"""

TOKENS = """
insert into fct_tokens_daily
select
    charge_date, provider, sub_account_id, sub_account_id || '/' || coalesce(product, 'none'), team, product,
    environment, model,
    sum(consumed_tokens) filter (where token_class = 'input')::bigint,
    sum(consumed_tokens) filter (where token_class = 'output')::bigint,
    case when provider = 'aws' then sum(consumed_tokens) filter (where token_class = 'cache_read')::bigint end,
    case when provider = 'aws' then sum(consumed_tokens) filter (where token_class = 'cache_write_5m')::bigint end,
    (sum(consumed_tokens) // 4200)::bigint, 3, 1, sum(billed_cost_usd)::decimal(38, 12), provider <> 'aws'
from fct_spend_daily
where consumed_tokens is not null and cost_status <> 'estimate'
group by charge_date, provider, sub_account_id, team, product, environment, model;
"""

CAPACITY = """
create temp table capacity as select * from (values
    ('gpt-4.1-ptu', 'azure', 'ptu', 50, 0.62, 0.81, 50.0), ('gpt-4o-ptu', 'azure', 'ptu', 30, 0.97, 0.88, 30.0),
    ('gpt-4.1-mini-ptu', 'azure', 'ptu', 25, 0.02, 0.92, 25.0), ('gsu-search-01', 'gcp', 'gsu', 3, 0.86, 0.71, 8.1),
    ('pmt-semantic-search', 'aws', 'model_unit', 1, 0.55, null, 22.0)
) as c (capacity_id, provider, unit_kind, units, mean_ratio, break_even, usd_per_hour);
insert into fct_capacity_hourly
select
    capacity_id, provider, null, hour_start, unit_kind, units, ratio, break_even, cost, (cost * ratio)::{money} as used,
    cost - (cost * ratio)::{money}, (cost * ratio * coalesce(1 / break_even, 1)::decimal(18, 12))::{money},
    case when mean_ratio > 0.9 and ratio > 0.98 then (cost * 0.08::decimal(4, 2))::{money} else 0 end
from (
    select
        c.*, h.hour_start, c.usd_per_hour::{money} as cost,
        case when c.capacity_id = 'pmt-semantic-search' and hour(h.hour_start) = 3 then null else
            least(1, greatest(0, c.mean_ratio + 0.18 * sin((hour(h.hour_start) - 8) / 3.8)
                + (hash(c.capacity_id || h.hour_start::varchar) % 100) / 1000.0 - 0.05)) end::decimal(18, 12) as ratio
    from capacity as c
    cross join (
        select unnest(generate_series(
            timestamp '{as_of}' - interval {days} day, timestamp '{as_of}' - interval 1 hour, interval 1 hour
        )) as hour_start
    ) as h
);
"""

CLOSED = """
insert into fct_statement_line
select
    status, billing_month, provider, billing_account_id, coalesce(team, 'unallocated'), product, model, charge_category,
    pricing_category, attribution_method, null, 'high', null, null, cost_status, billing_currency, sum(billed_cost),
    sum(effective_cost), sum(list_cost), sum(consumed_tokens)::bigint
from fct_spend_daily
cross join (values ('draft'), ('closed')) as kinds (status)
where status = 'draft' or billing_month = date '2026-10-01'
group by all;
insert into fct_closed_month
select
    billing_month, provider, billing_account_id, billing_currency, 1, timestamp '{as_of}', 'Ada', 'a1b2c3', null,
    sum(billed_cost), sum(billed_cost) + 3, 3
from fct_spend_daily
where billing_month = date '2026-10-01'
group by all;
insert into fct_closed_month_movement values
    (date '2026-10-01', 'aws', 'support', 'billed_cost', 'USD', 'provider_restated', 3);
"""

OWNED = """
insert into dim_owned_thing
select distinct sub_account_id, provider, sub_account_id, null, null from fct_spend_daily;
insert into fct_owned_daily
select
    sub_account_id, charge_date, provider, coalesce(team, 'unallocated'),
    case when team is null and provider = 'gcp' then 'docs' else coalesce(team, 'unallocated') end,
    sum(billed_cost_usd)
from fct_spend_daily
group by all;
insert into dim_ownership_rule values
    ('mobile-prod', 100, 'gcp', 'project', 'acme-mobile-prod', 'mobile', 1, 7920.5, date '{as_of}' - 2,
     date '2025-01-01', null),
    ('old-pilot', 100, 'gcp', 'project', 'acme-pilot', 'docs', 0, 0, null, date '2025-01-01', date '2025-06-01');
insert into fct_attribution_conflict values
    (date_trunc('month', date '{as_of}' - 20), 'aws', '210000000001', 'support', 'profile_tag', 'growth', 'owner',
     'rule aws-shared', 412.25);
insert into fct_tag_key_usage values
    (date_trunc('month', date '{as_of}' - 20), 'gcp', 'team', 'owner-team', true, 1500.5, 0),
    (date_trunc('month', date '{as_of}' - 20), 'gcp', 'team', 'team_name', false, 620.75, 620.75);
"""

REST = """
insert into fct_provider_totals
select
    provider, billing_account_id, billing_month, billing_currency, sum(billed_cost) + 1234.56, sum(billed_cost),
    1234.56, null, null, 0
from fct_spend_daily
group by all;
insert into fct_logged_usage_daily
select
    usage_date, 'litellm', provider, sub_account_id, workload_id, model, coalesce(team, 'unallocated'), product,
    environment, coalesce(team, 'master') || '-key', null, input_tokens, cache_read_tokens, null, output_tokens,
    input_is_total, request_count, 1, case when team is not null then estimated_cost_usd end
from fct_tokens_daily
where provider = 'azure';
insert into fct_spike values
    ('sp-ticket-triage', 'billed', date '{as_of}' - 8, date '{as_of}' - 7, date '{as_of}' - 5, 'aws', 'support',
     'ticket-triage', null, 'claude-sonnet-4-5', 'effective_cost_usd', 'up', 5712.0, 1680.0, 4032.0, 'efficiency'),
    ('sp-labs', 'estimate', date '{as_of}' - 12, date '{as_of}' - 12, null, 'gcp', 'unallocated', null,
     'acme-labs-7f', null, 'estimated_cost_usd', 'up', 402.5, 0, 402.5, 'new'),
    ('sp-code-review', 'billed', date '{as_of}' - 40, date '{as_of}' - 39, date '{as_of}' - 37, 'azure', 'devtools',
     'code-review', null, 'gpt-4.1', 'effective_cost_usd', 'down', 310.0, 960.0, -650.0, 'volume');
insert into fct_spike_driver values
    ('sp-ticket-triage', 'efficiency', 3900.25), ('sp-ticket-triage', 'volume', 131.75), ('sp-labs', 'volume', 402.5),
    ('sp-code-review', 'volume', -650.0);
insert into fct_quarantine values
    ('aws_cur', 'line_items', null, date '2026-10-01', '2026-10.csv.gz', 'its cost is no number', 'USD', 'a,b', 3, 1,
     12.5, timestamp '{as_of}');
insert into fct_restatement values
    ('aws_cur', 'line_items', 'inferledger-cur2', date '2026-10-01', 'run-fixture', 2, 7.25, timestamp '{as_of}');
insert into fct_unmapped values
    ('azure', 'bill', 'gpt 9', 'gpt 9 Inp glbl Tokens', date '2026-11-01', 'USD', date '{as_of}' - 9,
     date '{as_of}' - 4, 86.25, 86.25, 41000000),
    ('gcp', 'meter', 'gemini-9-flash', null, date '2026-11-01', null, date '{as_of}' - 9, date '{as_of}' - 3, null,
     null, 1200000);
insert into dim_price values
    ('old', 'azure', 'gpt-4.1', 'global', 'input', 'standard', 'default', 2.5, 2.375, 'discount', 'azure-agreement',
     'genai-prices 0.0.1', null, date '2020-01-01', date '2026-09-01'),
    ('new', 'azure', 'gpt-4.1', 'global', 'input', 'standard', 'default', 2, 1.9, 'discount', 'azure-agreement',
     'genai-prices 0.0.2', null, date '2026-09-01', null),
    ('nova', 'aws', 'nova-pro', 'regional', 'input', 'standard', 'default', 0.8, 0.8, 'list', null, 'litellm',
     date '2026-11-01', date '2020-01-01', null);
insert into fct_effective_price values
    ('azure', 'gpt-4.1', 'input', 'global', 'standard', 'default', date '2026-11-01', 'genai-prices 0.0.2', 1000000,
     2.5, 1.9, 0.6, 2.5, 2, 1.9, 0.6),
    ('aws', 'nova-pro', 'input', 'regional', 'standard', 'default', date '2026-11-01', 'litellm', 1000000, 0.8, 0.8, 0,
     0.8, 0.8, 0.8, 0),
    ('gcp', 'gemini-2.5-pro', 'output', null, 'standard', 'default', date '2026-11-01', null, null, 12.5, null, null,
     null, null, null, null);
insert into fct_price_disagreement values
    ('azure', 'gpt-4.1', 'geo', 'cache_read', 'standard', 'default', 'litellm', 'azure/us/gpt-4.1', 'litellm',
     'azure/eu/gpt-4.1', 0.55, 0.5, -0.05);
insert into source_status
select
    source, provider, account, timestamp '{as_of}' - interval 30 hour,
    date '{as_of}' - case provider when 'gcp' then 2 when 'azure' then 3 else 2 end, timestamp '{as_of}', 12345, false,
    null
from (values
    ('aws_cur', 'aws', 'inferledger-cur2'), ('aws_bedrock', 'aws', '210000000001'),
    ('gcp_billing', 'gcp', '01A2B3-C4D5E6-F7A8B9'), ('gcp_vertex', 'gcp', 'acme-docs-prod'),
    ('azure_cost', 'azure', 'sub-apps'), ('azure_cost', 'azure', 'sub-data'), ('azure_openai', 'azure', 'sub-apps')
) as s (source, provider, account);
"""

# 100 metered dollars a day and cloud: 2 cents are rounded, 5 saved by batch on Azure, 3 charged too much on AWS
RECONCILED = """
insert into fct_reconciliation
select
    concat_ws('|', provider, usage_date), provider, 'payer', usage_date, 'workload', 'gpt-4.1', 'input', 50000000,
    50000000, 2.0, 100.0, 100.0 - residual, residual, true, 'provisional'
from (
    select
        provider, usage_date,
        case provider when 'azure' then 5.02 when 'aws' then -2.98 else 0.02 end as residual
    from (select distinct charge_date as usage_date from fct_spend_daily) as days
    cross join (select unnest(['aws', 'gcp', 'azure']) as provider) as providers
) as sides;
insert into fct_residual
select
    reconciliation_id, provider, billing_account_id, usage_date, workload_id, model, token_class, reason.name,
    reason.usd, 50000000, 'proof of ' || reason.name
from fct_reconciliation
cross join lateral (
    select unnest([
        {{'name': 'rounding', 'usd': 0.02::{money}}},
        {{'name': 'service_tier', 'usd': if(provider = 'azure', 5, 0)::{money}}},
        {{'name': 'discount', 'usd': if(provider = 'aws', -3, 0)::{money}}}
    ]) as reason
) as reasons
where reason.usd <> 0;
insert into fct_overcharge
select
    reconciliation_id || '|discount_not_applied', reconciliation_id, 'discount_not_applied', provider,
    billing_account_id, usage_date, workload_id, model, token_class, 'global', 'standard', 'default', tokens, 1.9, 2.0,
    95, 98, 3, '50000000 tokens at 2 USD per million instead of 1.9 USD per million'
from fct_residual
where residual_class = 'discount';
"""

SCRIPTS = (STREAMS, SPEND, TOKENS, CAPACITY, CLOSED, OWNED, REST, RECONCILED)
