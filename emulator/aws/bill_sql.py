"""The SQL behind the AWS bill. Money is whole units of 1e-10 USD in `cost_units`, so nothing is ever rounded twice.

`lines` holds every row of the bill with the span in which AWS shows it; times are naive UTC. A day is visible from
noon of the next, one day is first billed a little too low and restated three days later.
"""

PREPARE = """
create table lines (
    stream_id varchar, in_scope boolean, line_type varchar, entity varchar, seller varchar, account varchar,
    region varchar, product_code varchar, product_name varchar, usage_type varchar, operation varchar,
    resource_id varchar, tags map(varchar, varchar), description varchar, pricing_unit varchar, rate varchar,
    tax_type varchar, usage_start timestamp, usage_end timestamp, period date, quantity double,
    cost_units bigint, net_units bigint, list_units bigint, team varchar, product varchar, model varchar,
    token_class varchar, workload_id varchar, visible_from timestamp, visible_to timestamp
);
create view usage as select * from world_usage where stream_id in (select stream_id from skus);
"""

# `counted` is the quantity in tokens or hours; two versions of the restated day, one of every other
_VERSIONS = """
versioned as (
    select *, counted as billed, cast(hour_start as date) + interval 36 hours
        + to_days(case when restates and cast(hour_start as date) = $restated_day then $restated_after else 0 end)
            as visible_from,
        cast(null as timestamp) as visible_to
    from counted
    union all
    select *, counted * 98 // 100 as billed, cast(hour_start as date) + interval 36 hours as visible_from,
        cast(hour_start as date) + interval 36 hours + to_days($restated_after) as visible_to
    from counted
    where restates and cast(hour_start as date) = $restated_day
)
insert into lines
select
    stream_id, true, 'Usage', entity, seller, account, region, product_code, product_name, usage_type, operation,
    resource_id, tags, description, pricing_unit, rate, null, hour_start, hour_start + interval 1 hour,
    date_trunc('month', hour_start)::date, billed / quantity_per_unit, billed * units_per_quantity,
    billed * units_per_quantity, billed * units_per_quantity, team, product, model, token_class, workload_id,
    visible_from, visible_to
from versioned
where billed > 0
"""


def token_lines() -> str:
    """Usage rows per hour, workload and token class."""
    return f"""
with hours as (
    unpivot (
        select
            stream_id, hour_start, input_tokens as input, output_tokens as output, cache_read_tokens as cache_read,
            cache_write_tokens as cache_write_5m, cache_write_1h_tokens as cache_write_1h
        from usage
    )
    on input, output, cache_read, cache_write_5m, cache_write_1h into name token_class value counted
),
counted as (
    select skus.*, hours.hour_start, hours.counted, true as restates
    from hours
    inner join skus on hours.stream_id = skus.stream_id and hours.token_class = skus.token_class
    where skus.pricing_unit <> 'hour'
),
{_VERSIONS}
"""


def model_unit_lines() -> str:
    """Provisioned model units, billed every hour whether used or not."""
    return f"""
with counted as (
    select skus.*, hours.hour_start, 1 as counted, false as restates
    from skus
    cross join (select distinct hour_start from usage) as hours
    where skus.pricing_unit = 'hour'
),
{_VERSIONS}
"""


def other_lines() -> str:
    """Services outside the scope of AI spend, per hour and resource."""
    return """
insert into lines
select
    null, false, 'Usage', 'AWS', 'Amazon Web Services, Inc.', account, region, product_code, product_name, usage_type,
    operation, product_code || '-' || $prefix || number || resource, map {'user_team': 'platform'}, usage_type, unit,
    rate, null, hour_start, hour_start + interval 1 hour, date_trunc('month', hour_start)::date,
    cast(hourly as double), units, units, units, null, null, null, 'other', null,
    cast(hour_start as date) + interval 36 hours, null
from (
    select
        *,
        cast(round(cast(hourly as decimal(12, 6)) * cast(rate as decimal(12, 6)) * 10000000000) as bigint) as units
    from other_services
) as services
cross join lateral (select unnest(range(services.resources)) as resource) as copies
cross join (
    select unnest(generate_series(
        cast($first_day as timestamp), cast($as_of as timestamp) - interval 1 hour, interval 1 hour
    )) as hour_start
) as hours
"""


def discount_lines() -> str:
    """The contract discount: one negative row beside each usage row that AWS itself sells, but for a forgotten day."""
    return """
insert into lines
select * replace (
    'EdpDiscount' as line_type, 'Enterprise Discount Program Discount' as description, 0 as net_units, 0 as list_units,
    cast(null as varchar) as rate, -((cost_units * $pct + 50) // 100) as cost_units
)
from lines
where
    entity = 'AWS' and line_type = 'Usage'
    and not (stream_id is not distinct from $forgotten and cast(usage_start as date) = $forgotten_day)
"""


def netted_lines() -> str:
    """What the usage rows under the contract discount come to after it."""
    return """
update lines set net_units = cost_units - (cost_units * $pct + 50) // 100
where
    entity = 'AWS' and line_type = 'Usage'
    and not (stream_id is not distinct from $forgotten and cast(usage_start as date) = $forgotten_day)
"""


def credit_lines() -> str:
    """One promotional credit a month, on the fifth, against Bedrock in the first account."""
    return """
insert into lines
select
    null, true, 'Credit', 'AWS', 'Amazon Web Services, Inc.', '210000000001', 'us-east-1', 'AmazonBedrock',
    'Amazon Bedrock', null, null, null, map {}, 'AWS promotional credit for generative AI', null, null, null,
    cast(day as timestamp), cast(day as timestamp) + interval 1 hour, date_trunc('month', day)::date, 0.0,
    -cast($usd as bigint) * 10000000000, -cast($usd as bigint) * 10000000000, 0, null, null, null, 'other', null,
    cast(day as timestamp) + interval 36 hours, null
from (
    select unnest(generate_series(cast($first_day as timestamp), cast($as_of as timestamp), interval 1 day)) as day
) as days
where extract(day from day) = 5 and cast(day as timestamp) < cast($as_of as timestamp)
"""


def tax_lines() -> str:
    """Month-to-date tax per product, replaced whenever the taxed amount moves; dated at the start of its month.

    A Marketplace listing is one model, so its tax has that model; AWS taxes its own models together.
    """
    return """
insert into lines
with taxed as (select * from lines where account = $account),
moves as (
    select period, product_code, visible_from as moved_at from taxed
    union
    select period, product_code, visible_to from taxed where visible_to is not null
),
amounts as (
    select
        moves.period, moves.product_code, moves.moved_at, any_value(taxed.entity) as entity,
        any_value(taxed.seller) as seller, any_value(taxed.product_name) as product_name,
        any_value(taxed.listed_model) as listed_model, bool_or(taxed.in_scope) as in_scope,
        cast(sum(taxed.day_units) as bigint) as units
    from moves
    inner join (
        select
            period, product_code, entity, seller, product_name, in_scope, visible_from, visible_to,
            case when entity = 'AWS Marketplace' then any_value(model) end as listed_model,
            sum(cost_units) as day_units
        from taxed
        group by period, product_code, entity, seller, product_name, in_scope, visible_from, visible_to
    ) as taxed
        on moves.period = taxed.period and moves.product_code = taxed.product_code
        and taxed.visible_from <= moves.moved_at and (taxed.visible_to is null or moves.moved_at < taxed.visible_to)
    group by moves.period, moves.product_code, moves.moved_at
)
select
    null, in_scope, 'Tax', entity, seller, $account, null, product_code, product_name, null, null, null, map {},
    'Tax for product code ' || product_code, null, null, 'USSalesTax', cast(period as timestamp),
    cast(period + interval 1 month as timestamp), period, 0.0,
    cast((units * $basis_points + 5000) // 10000 as bigint), cast((units * $basis_points + 5000) // 10000 as bigint),
    null, null, null, listed_model, 'other', null, moved_at,
    lead(moved_at) over (partition by period, product_code order by moved_at)
from amounts
"""


def period_rows(payer: str, period: str) -> str:
    """The rows of one billing period in the columns of CUR 2.0, plus the span in which they are shown."""
    return f"""
select
    left(
        sha256(concat_ws('|', account, usage_start, product_code, usage_type, resource_id, line_type, visible_from)),
        26
    ) as identity_line_item_id,
    strftime(usage_start, '%Y-%m-%dT%H:%M:%SZ') || '/' || strftime(usage_end, '%Y-%m-%dT%H:%M:%SZ')
        as identity_time_interval,
    entity as bill_billing_entity, 'Anniversary' as bill_bill_type, seller as bill_invoicing_entity,
    '{payer}' as bill_payer_account_id,
    cast(period as timestamp_ms) as bill_billing_period_start_date,
    cast(period + interval 1 month as timestamp_ms) as bill_billing_period_end_date,
    account as line_item_usage_account_id, account_name(account) as line_item_usage_account_name,
    line_type as line_item_line_item_type,
    cast(usage_start as timestamp_ms) as line_item_usage_start_date,
    cast(usage_end as timestamp_ms) as line_item_usage_end_date,
    product_code as line_item_product_code, usage_type as line_item_usage_type, operation as line_item_operation,
    resource_id as line_item_resource_id, quantity as line_item_usage_amount, 'USD' as line_item_currency_code,
    rate as line_item_unblended_rate, cost_units / 10000000000.0::double as line_item_unblended_cost,
    rate as line_item_net_unblended_rate, net_units / 10000000000.0::double as line_item_net_unblended_cost,
    description as line_item_line_item_description, seller as line_item_legal_entity, tax_type as line_item_tax_type,
    map {{'product_name': product_name, 'region': coalesce(region, '')}} as product,
    product_code as product_servicecode, region as product_region_code,
    upper(left(sha256(concat(product_code, usage_type)), 16)) as product_sku,
    pricing_unit, case when line_type = 'Usage' then 'OnDemand' end as pricing_term,
    list_units / 10000000000.0::double as pricing_public_on_demand_cost, rate as pricing_public_on_demand_rate,
    tags as resource_tags,
    case when line_type = 'EdpDiscount'
        then map {{'EDP Discount': cost_units / 10000000000.0::double}} else map {{}} end as discount,
    visible_from, visible_to
from lines
where period = date '{period}'
order by usage_start, account, product_code, usage_type, line_type, resource_id, visible_from
"""


def metrics(measures: str, names: list[str]) -> str:
    """Hourly CloudWatch sums of each workload, in long form."""
    return f"""
with measured as (
    select skus.account, skus.region, metric_ids.model_id, usage.hour_start, {measures}
    from usage
    inner join metric_ids on usage.stream_id = metric_ids.stream_id
    inner join (select distinct stream_id, account, region from skus) as skus on usage.stream_id = skus.stream_id
),
long as (unpivot measured on {", ".join(names)} into name metric value total)
select
    account, region, model_id, metric, cast(epoch(hour_start) as bigint) as epoch_s,
    cast(sum(total) as double) as total
from long
where total > 0
group by account, region, model_id, metric, hour_start
order by account, region, model_id, metric, epoch_s
"""


def truth(condition: str) -> str:
    """Charges per day, workload and version, as billed."""
    return f"""
select
    'aws' as provider, $payer as billing_account_id, period as billing_month, cast(usage_start as date) as charge_date,
    workload_id, team, product, model, token_class, 'USD' as billing_currency,
    cast(cast(sum(cost_units) as decimal(26, 0)) * 0.0000000001::decimal(12, 10) as decimal(38, 12)) as billed_cost,
    visible_from, visible_to, stream_id
from lines
where {condition}
group by
    period, cast(usage_start as date), workload_id, team, product, model, token_class, visible_from, visible_to,
    stream_id
order by all
"""


USAGE_TRUTH = """
select
    'aws' as provider, cast(usage.hour_start as date) as usage_date, skus.workload_id, skus.team, skus.product,
    skus.model, cast(sum(input_tokens) as bigint) as input_tokens, cast(sum(output_tokens) as bigint) as output_tokens,
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(cache_write_tokens + cache_write_1h_tokens) as bigint) as cache_write_tokens,
    cast(sum(request_count) as bigint) as request_count
from usage
inner join (select distinct stream_id, workload_id, team, product, model from skus) as skus
    on usage.stream_id = skus.stream_id
group by usage.hour_start::date, skus.workload_id, skus.team, skus.product, skus.model
having sum(request_count) > 0
order by usage_date, workload_id
"""
