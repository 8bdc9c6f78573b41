"""The words under the charts and tables: what each number means. ``docs/dashboard.md`` says the same at length."""

from typing import Final

METHODS: Final = {
    "profile_tag": "tag of the Bedrock inference profile",
    "request_label": "label sent with the request",
    "resource_tag": "tag of the resource",
    "deployment_tag": "tag of the deployment",
    "gateway_share": "share of a shared deployment, from gateway logs",
    "capacity_share": "hourly use of a reservation",
    "principal": "identity that called",
    "owner": "owner of the account, project or subscription on that day",
    "rule": "a split the organisation decided",
    "unallocated": "no evidence",
}
VERDICTS: Final = {
    "volume": "More or fewer requests, at the same cost each.",
    "efficiency": "A request costs another amount at the same model and price: prompt length, output length or cache.",
    "mix": "Requests moved between models of other prices.",
    "price": "The same tokens cost another price.",
    "new": "There was no such spend before.",
    "vanished": "Spend that was there every day has stopped.",
}
DRIVERS: Final = {
    "volume": "more or fewer requests",
    "efficiency": "more, fewer or dearer tokens for one request",
    "mix": "requests moved between models",
    "price": "the same tokens at another price",
    "unmetered": "cost without tokens, such as capacity",
}
LANES: Final = {
    "billed": "Seen on the bill (effective cost).",
    "estimate": "Seen early, from metered tokens at list price; the bill follows.",
}

RESIDUALS: Final = {
    "late_data": "The bill of the day is not complete.",
    "unmapped": "No model or no price is known for it.",
    "cache_class": "Cached tokens that the meter counts as input or as another lifetime, or that were billed twice.",
    "unit": "A count or a price is a thousand or a million times the other.",
    "time_zone": "The bill's day begins at midnight in California.",
    "outside_profile": "Billed for something that no meter ever saw.",
    "unmetered": "Calls that were billed and not metered, or metered and not billed.",
    "service_tier": "Batch, flex or priority instead of the standard tier.",
    "context_band": "The price of a long context.",
    "rounding": "Fractions that the bill rounds.",
    "price_date": "The price of another date.",
    "discount": "Credits, or a discount that is not the agreed one.",
    "unknown": "Nothing explains it.",
}
METERED: Final = (
    "Tokens of the providers' meters at the contract price of the standard tier; capacity and its tokens apart."
)
BILLED_TOKENS: Final = "What the bills charge for tokens, contract discounts and credits on them included."
RESIDUAL: Final = "Metered less billed cost: positive where the bill is lower."
OVERCHARGES: Final = (
    "More than the contract says, complete days only. "
    "`inferledger reconcile evidence` writes it as files for the provider."
)

INCOMPLETE: Final = "Faded bars: days whose bill is still arriving."
PURCHASES: Final = "They cover later days too; the effective basis spreads them."
PERIOD_BEFORE: Final = "As many days right before the period; for a month, the same days of the month before."
UNALLOCATED_TOTAL: Final = (
    "What no tag, label, gateway or owner rule gives to a team. Counted over all teams, whatever the team filter says."
)
SPIKE: Final = "Unusual rises and falls, judged on complete days only; late data is not one."
STATUS: Final = (
    "Final: the provider has invoiced the month. Provisional: billed, may still change. Estimate: metered tokens at "
    "the contract price, for days and workloads that no bill has reached yet; the bill replaces it, no total holds it."
)
STATEMENT: Final = (
    "Billed cost of the invoice month, each amount in its billing currency; currencies are never added. Closed: as "
    "frozen by `inferledger close`. Draft: the month is open. `inferledger report MONTH` writes CSV, HTML and PDF."
)
CLOSED: Final = (
    "Billed cost in billing currency. The causes of a team sum to what it moved. Metered measures: tokens at list and "
    "contract price. Definition changed: no landed file explains it, so scope, model names or the product changed."
)
UNALLOCATED: Final = "Unallocated stands beside the teams and is never spread over them silently."
MONTHS: Final = (
    "The provider's invoice months that the period touches, each whole, incomplete days included. Billed: what the "
    "invoice says. Effective: prepaid commitments spread over the days they cover. Not final: may still be restated."
)
PRODUCTS: Final = (
    "Tokens in millions (M). "
    "Per 1M tokens: the cost of charges that carry tokens, divided by those tokens, all classes together. Capacity, "
    "credits and platform charges carry none: they are in the spend, not in the unit cost. Product unknown: the "
    "evidence names a team only, or nobody."
)
TOKENS: Final = "Tokens as billed, in disjoint classes: input never holds cached tokens."
UNIT_COST: Final = (
    "The six models that cost most, complete days. All token classes together, so a line moves with the mix as well "
    "as with the price: a prompt cache that broke shows as a step up."
)
CALLERS: Final = (
    "As request logs saw it, by the key or identity that called. Prompt tokens hold cached ones. One request may stand "
    "in several logs, so never add them up. Logged cost: what the log itself thinks, in USD; never the bill, and "
    "unknown where it knows no price."
)
MODELS: Final = (
    "Tokens in millions (M). Spend and billed tokens come from the bill, requests and the other tokens from meters. "
    "Cache read share: cache reads divided by all prompt tokens. Some meters count cached tokens inside input and "
    "cannot tell them apart: what they saw is in input, not in the cache columns, and not in the share."
)
BREAK_EVEN: Final = (
    "Blue: mean use of the day's hours. Red dashes: the use at which the units cost as much as the same tokens on "
    "demand, from the capacity's own token mix of the 28 days before. Above the dashes it pays. The filters of team, "
    "environment, charge category, cost basis and currency do not reach this page."
)
CAPACITY_CARDS: Final = (
    ("Capacity cost", "capacity_cost_usd", "What the provisioned units cost in the period."),
    ("Of that used", "used_cost_usd", "Cost of the hours times the part of them in use, where use is measured."),
    (
        "Of that idle",
        "idle_cost_usd",
        "Capacity cost less the used part; the two sum to the cost in every measured hour.",
    ),
    ("Spill", "spill_cost_usd", "Requests that did not fit and were billed on demand on top."),
)
NO_USE_MEASURED: Final = "Nobody measures the use of this capacity, so its break-even and its idle part are unknown."
CAPACITY: Final = (
    "Saved: on-demand equivalent less capacity cost; negative is money lost by holding the units. Spill: what did not "
    "fit and was billed on demand on top."
)
SPIKES: Final = (
    "Pick a row to open it. Late data is no spike: a day is judged only once its account's data is complete."
)
SOURCES: Final = (
    "Complete through: the last day that is whole and has no missing day before it. Late: further behind than sources "
    "usually are. An amount of a later day is partial, not small."
)
PROVIDER_TOTALS: Final = (
    "Billed cost, each row in its own billing currency. Landed = in the marts + out of scope + difference. Out of "
    "scope: what is on the bill and is not AI. Provider's total: what it says by another way, such as Cost Explorer. "
    "Invoice: what the bill's rows sum to once they are invoiced. The filters of days, team, environment, basis and "
    "currency do not apply."
)
UNMAPPED: Final = (
    "Names that no reviewed list knows: their model stays unknown, never guessed. Bill, meters and logs see the same "
    "traffic, so the three are not added up. A line in the list of the cloud's model names gives one its model. "
    "The filters of team, environment, charge category, cost basis and currency do not apply."
)
COVERAGE: Final = (
    "From best evidence to none: tags and labels, measured shares, callers, dated rules, decided splits. Unallocated "
    "is nobody's until a tag, a label or a rule says so."
)
THEN_AND_NOW: Final = (
    "Billed cost in USD, by direct evidence, before decided splits. Everywhere else a day belongs to whom it belonged "
    "on that day; here today's rules are applied to all days. Tags count as they stood: clouds do not tag the past."
)
CONFLICTS: Final = (
    "Billed cost in USD of whole months. The better evidence decided; the other names another team. One dollar may be "
    "contradicted twice, so the rows are not added up."
)
RULES: Final = (
    "Decided: billed cost in USD of all published days on which the rule decided. A rule without any may still be "
    "needed: a tag came first, or it names what is metered and not billed. "
    "`inferledger ownership check` tells what a change would move."
)
TAG_KEYS: Final = (
    "Billed cost in USD of whole months on which the spelling decided. Not declared: looks like a declared key; "
    "its dollars are those that carry it. Add it to `tag_synonyms`, or correct the tag."
)
PRICE_CARDS: Final = {
    "Compared": (
        "On-demand tokens in the bills of the months that touch the period, in USD: whole invoice months. Filters of "
        "team, environment, basis and currency do not apply."
    ),
    "Charged above contract": "What the bill charged beyond the contract price; gaps below a cent are left out.",
    "Charged below contract": "What the bill left out of the contract price; gaps below a cent are left out.",
    "Cannot be compared": "Prices of the bill whose tokens, exchange rate or contract price are unknown.",
}
EFFECTIVE_PRICE: Final = (
    "Billed: cost in USD over the tokens that the bill states, discounts on lines of their own included, credits not. "
    "Contract and list: the prices of each day, weighted by its tokens. Unknown where tokens, rate or price are."
)
BELIEVED_PRICE: Final = (
    "List price by day from prices.yml, genai-prices and LiteLLM, in this order; contract by a negotiated price, else "
    "by the day's largest discount. Undated: the list gives no date. A price that changes is closed and "
    "followed, never overwritten."
)
PRICE_DISAGREEMENT: Final = (
    "As of the newest load. Nothing is computed from the other price. Another name in the same list is another region "
    "of the same class. If ours is wrong, state the right one in prices.yml."
)
