-- what no evidence gives to a team, by account and by what would have had to name one
select
    provider,
    sub_account_id,
    service_name,
    case
        when charge_category = 'Tax' then 'Tax: it stands on the account, on no resource'
        when charge_category = 'Credit' then 'Credit: it stands on the account, on no resource'
        when charge_category <> 'Usage' then 'Bought or corrected without a tag, and no rule speaks of the account'
        when token_class = 'other' then 'Platform charge without a tag, and no rule speaks of the account'
        else 'No tag, label or log names a team, and no rule speaks of the account'
    end as reason,
    sum(cost) as cost
from charges
where team = 'unallocated' and charge_date >= $start_day and charge_date < $end_day
group by provider, sub_account_id, service_name, reason
order by cost desc nulls last, provider asc, sub_account_id asc
