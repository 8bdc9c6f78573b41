{#
    A query that applies the splits of one level of their chain: charges that none of them takes pass as they are, the
    others leave in parts that sum to them.

    A split of a team takes all that is that team's on its days; a split by another field takes what it matches and no
    better evidence decided. Of several the lowest priority number is applied, then the first id. A fixed share weighs
    its billionths of a thousandth; a measured one the millionths of a dollar that its team was billed itself that day,
    and on a day without any the charge stays whole. What the splitting team keeps keeps its own evidence too.
#}
{% macro apply_splits(charges, splits, level) -%}
    with

    heads as (
        select distinct split_id, provider, field, pattern, priority, valid_from, valid_to
        from {{ splits }}
        where chain_level = {{ level }}
    ),

    taken as (
        select
            {{ charges }}.*,
            (
                select min_by(heads.split_id, {'priority': heads.priority, 'split_id': heads.split_id})
                from heads
                where
                    heads.valid_from <= {{ charges }}.charge_date
                    and (heads.valid_to is null or heads.valid_to > {{ charges }}.charge_date)
                    and (heads.provider is null or heads.provider = {{ charges }}.provider)
                    and case
                        when heads.field = 'team' then heads.pattern = {{ charges }}.team
                        else
                            {{ charges }}.team = 'unallocated'
                            and exists (
                                select 1
                                from {{ ref('int_split_matches') }} as matches
                                where
                                    matches.split_id = heads.split_id
                                    and matches.thing_id = {{ charges }}.thing_id
                            )
                    end
            ) as split_id
        from {{ charges }}
    ),

    billed_days as (
        select
            team,
            charge_date,
            greatest(cast(round(sum(billed_cost_usd) * 1000000) as bigint), 0) as weight
        from {{ charges }}
        where team in (select team from {{ splits }} where chain_level = {{ level }} and basis = 'measured')
        group by team, charge_date
    ),

    split_days as (
        select
            days.split_id,
            days.charge_date,
            parts.team as part_team,
            parts.product as part_product,
            case
                when parts.basis = 'fixed' then cast(parts.share * 1000000000000 as bigint)
                else billed_days.weight
            end as weight
        from (select distinct split_id, charge_date from taken where split_id is not null) as days
        inner join {{ splits }} as parts on days.split_id = parts.split_id
        left join billed_days on parts.team = billed_days.team and days.charge_date = billed_days.charge_date
    ),

    shares as (
        select
            *,
            sum(weight) over (partition by split_id, charge_date) as total_weight,
            row_number() over (
                partition by split_id, charge_date
                order by weight desc, part_team asc, part_product asc nulls first
            ) as part_rank
        from split_days
        where weight > 0
    ),

    weighed as (
        select
            charges.*,
            shares.* exclude (split_id, charge_date)
        from (select *, row_number() over () as charge_number from taken where split_id is not null) as charges
        inner join shares on charges.split_id = shares.split_id and charges.charge_date = shares.charge_date
    ),

    parted as (
        {{ charge_parts('weighed', 'charge_number', 'weight', 'total_weight') }}
    )

    select * exclude (split_id)
    from taken
    where
        split_id is null
        or not exists (
            select 1 from shares where shares.split_id = taken.split_id and shares.charge_date = taken.charge_date
        )
    union all by name
    select
        * exclude (charge_number, split_id, weight, total_weight, part_team, part_product)
        replace (
            part_team as team,
            case when part_team = team then coalesce(part_product, product) else part_product end as product,
            case when part_team = team then attribution_method else 'rule' end as attribution_method,
            case when part_team = team then attribution_evidence else 'split ' || split_id end as attribution_evidence,
            coalesce(split_path || ' > ', '') || split_id as split_path,
            case when part_team = team then split_from_team else coalesce(split_from_team, team) end as split_from_team
        )
    from parted
{%- endmacro %}
