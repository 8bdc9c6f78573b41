-- whatever was shared out, the parts of a workload's day sum to what was metered, in every count
{% set thing = 'usage_date, provider, billing_account_id, sub_account_id, region_id, workload_id, model' %}
{% set sums %}
    sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens,
    sum(cache_read_tokens) as cache_read_tokens,
    sum(cache_write_tokens) as cache_write_tokens,
    sum(request_count) as request_count,
    sum(throttled_count) as throttled_count,
    sum(error_count) as error_count
{% endset %}

with

metered as (
    select
        {{ thing }},
        {{ sums }}
    from {{ ref('int_usage_daily') }}
    group by {{ thing }}
),

attributed as (
    select
        {{ thing }},
        {{ sums }}
    from {{ ref('int_usage_attributed') }}
    group by {{ thing }}
)

(select * from metered except select * from attributed)
union all
(select * from attributed except select * from metered)
