"""A bill with every spelling of an Azure meter, and what its words mean."""

import csv
from pathlib import Path

SPELLED = "7000008"
APPS = "5b000000-0000-4000-8000-00000000000a"


# meter, unit, and what its words mean: model, version, token class, scope, tier, block
Meaning = tuple[str | None, str | None, str, str | None, str, int]


SPELLINGS: dict[tuple[str, str, str], Meaning] = {
    (family, meter, unit): meaning
    for family, rows in {
        "Azure OpenAI": [
            ("gpt 4.1 Inp glbl Tokens", "1K", ("gpt-4.1", None, "input", "global", "on_demand", 1000)),
            ("gpt 4o 0806 Inpt Glbl Tokens", "1K", ("gpt-4o", "0806", "input", "global", "on_demand", 1000)),
            ("gpt-4o-0806-Outp-regnl Tokens", "1K", ("gpt-4o", "0806", "output", "regional", "on_demand", 1000)),
            (
                "gpt-4o-mini-0718-Outp-regnl Tokens",
                "1K",
                ("gpt-4o-mini", "0718", "output", "regional", "on_demand", 1000),
            ),
            (
                "gpt 4o mini0718 Inp Data Zone Tokens",
                "1K",
                ("gpt-4o-mini", "0718", "input", "data_zone", "on_demand", 1000),
            ),
            ("gpt 4o mini0718 opt glbl", "1M", ("gpt-4o-mini", "0718", "output", "global", "on_demand", 1_000_000)),
            ("gpt 4o 0513 Input regional Tokens", "1K", ("gpt-4o", "0513", "input", "regional", "on_demand", 1000)),
            ("gpt 4o 1120 cd inp Dzone Tokens", "1K", ("gpt-4o", "1120", "cache_read", "data_zone", "on_demand", 1000)),
            ("gpt 4.1 nano in rgnl Tokens", "1K", ("gpt-4.1-nano", None, "input", "regional", "on_demand", 1000)),
            ("gpt 41 mn opt Glbl Tokens", "1K", ("gpt-4.1-mini", None, "output", "global", "on_demand", 1000)),
            ("gpt 4.1 cached Inp glbl Tokens", "1K", ("gpt-4.1", None, "cache_read", "global", "on_demand", 1000)),
            (
                "gpt 4.1 cached input DataZone Tokens",
                "1K",
                ("gpt-4.1", None, "cache_read", "data_zone", "on_demand", 1000),
            ),
            ("gpt 4.1 cched Inp DZone Tokens", "1K", ("gpt-4.1", None, "cache_read", "data_zone", "on_demand", 1000)),
            ("gpt 4.1 cach Inp glb Tokens", "1K", ("gpt-4.1", None, "cache_read", "global", "on_demand", 1000)),
            ("gpt 4.1 Batch Outp glbl Tokens", "1K", ("gpt-4.1", None, "output", "global", "batch", 1000)),
            ("gpt-4-turbo128K-Inp-global Tokens", "1K", ("gpt-4-turbo", None, "input", "global", "on_demand", 1000)),
            ("gpt 4 Inp regnl Tokens", "1K", ("gpt-4", None, "input", "regional", "on_demand", 1000)),
            ("gpt 4.1 ft Inp glbl Tokens", "1K", (None, None, "input", "global", "on_demand", 1000)),
            ("gpt 4.1 ft mdl grdr Inp glbl Tokens", "1K", (None, None, "other", "global", "on_demand", 1000)),
            ("ft Deployment Hosting Unit", "1 Hour", (None, None, "other", None, "on_demand", 1)),
            ("Provisioned Managed Global Unit", "1/Hour", (None, None, "other", "global", "provisioned", 1)),
            ("Provisioned Managed Data Zone Unit", "1/Hour", (None, None, "other", "data_zone", "provisioned", 1)),
            ("Provisioned Managed Regional Unit", "1/Hour", (None, None, "other", "regional", "provisioned", 1)),
            ("Provisioned Throughput Units", "1/Month", (None, None, "other", None, "provisioned", 1)),
            ("Provisioned Throughput - Available Unit", "1/Hour", (None, None, "other", None, "provisioned", 1)),
            ("Provisioned Throughput - Overage Unit", "1/Hour", (None, None, "other", None, "provisioned", 1)),
        ],
        "Azure OpenAI PP GPT4s": [
            ("gpt 4.1 pp Inp glbl Tokens", "1K", ("gpt-4.1", None, "input", "global", "priority", 1000)),
            ("gpt 4.1 mini Outp glbl Tokens", "1K", ("gpt-4.1-mini", None, "output", "global", "priority", 1000)),
        ],
        "Azure OpenAI Reasoning": [
            ("o3 mini 0131 inpt glbl Tokens", "1K", ("o3-mini", "0131", "input", "global", "on_demand", 1000)),
            ("o4-mini 0416 outpt Dz Tokens", "1K", ("o4-mini", "0416", "output", "data_zone", "on_demand", 1000)),
            ("o1 1217 Inp glbl Tokens", "1K", ("o1", "1217", "input", "global", "on_demand", 1000)),
            ("o3 out gl Tokens", "1K", ("o3", None, "output", "global", "on_demand", 1000)),
        ],
        "Azure OpenAI GPT5": [
            ("GPT 5 outpt DZone 1M Tokens", "1M", ("gpt-5", None, "output", "data_zone", "on_demand", 1_000_000)),
            ("GPT 5 cchd Inpt Gl 1M Tokens", "1M", ("gpt-5", None, "cache_read", "global", "on_demand", 1_000_000)),
            (
                "GPT 5 Mini Inpt cchd Gl 1M Tokens",
                "1M",
                ("gpt-5-mini", None, "cache_read", "global", "on_demand", 1_000_000),
            ),
            ("GPT 5 Mini opt Gl 1M Tokens", "1M", ("gpt-5-mini", None, "output", "global", "on_demand", 1_000_000)),
            (
                "5.1 codex mini Output glbl 1M Tokens",
                "1M",
                ("gpt-5.1-codex-mini", None, "output", "global", "on_demand", 1_000_000),
            ),
            ("GPT 5.1 inp DZ 1M Tokens", "1M", ("gpt-5.1", None, "input", "data_zone", "on_demand", 1_000_000)),
            ("GPT 5.2 pro inp Gl 1M Tokens", "1M", ("gpt-5.2-pro", None, "input", "global", "on_demand", 1_000_000)),
            ("GPT 5 prty outpt Glbl 1M Tokens", "1M", ("gpt-5", None, "output", "global", "priority", 1_000_000)),
            ("GPT 5 Fl inp Gl 1M Tokens", "1M", ("gpt-5", None, "input", "global", "flex", 1_000_000)),
            ("5.4 inp ShortCo Gl 1M Tokens", "1M", ("gpt-5.4", None, "input", "global", "on_demand", 1_000_000)),
            ("5.4 inp LongCo dz 1M Tokens", "1M", ("gpt-5.4", None, "input", "data_zone", "on_demand", 1_000_000)),
            ("5.4 Cd Wr Gl 1M Tokens", "1M", ("gpt-5.4", None, "cache_write_5m", "global", "on_demand", 1_000_000)),
            ("5.4 cd inp Gl 1M Tokens", "1M", ("gpt-5.4", None, "cache_read", "global", "on_demand", 1_000_000)),
            ("9.9 quux inp Gl 1M Tokens", "1M", (None, None, "input", "global", "on_demand", 1_000_000)),
        ],
        "Azure OpenAI OSS Models": [
            ("gpt oss 120B Inp glbl Tokens", "1K", ("gpt-oss-120b", None, "input", "global", "on_demand", 1000)),
            ("gpt-oss-20b-Outp-glbl Tokens", "100", ("gpt-oss-20b", None, "output", "global", "on_demand", 100)),
        ],
        "Azure OpenAI Embedding": [
            (
                "text embedding 3 small glbl Tokens",
                "1",
                ("text-embedding-3-small", None, "input", "global", "on_demand", 1),
            ),
        ],
        "Azure Deepseek Models": [
            (
                "DeepSeek V3 0324 outpt glbl Tokens",
                "1K",
                ("deepseek-v3", "0324", "output", "global", "on_demand", 1000),
            ),
        ],
        "Azure Grok Models": [
            ("Grok 4 inp DZone Tokens", "1K", ("grok-4", None, "input", "data_zone", "on_demand", 1000))
        ],
        "Azure Llama Models": [
            ("Llama 3.3 70B Outp glbl Tokens", "1K", ("llama-3.3-70b", None, "output", "global", "on_demand", 1000)),
        ],
        "Azure Mistral Models": [
            ("Mistral Large 2411 inp glbl Tokens", "1K", ("mistral-large", None, "input", "global", "on_demand", 1000)),
        ],
        "Azure Phi Models": [
            ("Phi 4 mini inp regnl Tokens", "1K", ("phi-4-mini", None, "input", "regional", "on_demand", 1000))
        ],
    }.items()
    for meter, unit, meaning in rows
}


CATEGORIES = ("Cognitive Services", "Azure OpenAI", "Foundry Models")


def write_spellings(path: Path) -> None:
    """A hand-made bill with every spelling under each category that it has had, a dollar a row, one of a partner."""
    path.parent.mkdir(parents=True)
    columns = (
        "BillingAccountId", "BillingPeriodStartDate", "SubscriptionId", "Date", "MeterCategory", "MeterSubCategory",
        "MeterName", "Quantity", "Cost", "BillingCurrency", "ConsumedService", "ResourceId", "Tags", "UnitOfMeasure",
        "PublisherName", "ChargeType", "PricingModel", "PayGPrice",
    )  # fmt: skip
    group = f"/subscriptions/{APPS}/resourceGroups/rg/providers"
    account = f"{group}/Microsoft.CognitiveServices/accounts/oai-spelled"
    rows = [
        (SPELLED, "11/01/2026", APPS, f"11/{1 + place % 16:02}/2026", CATEGORIES[place % 3], family, meter, "2.5", "1",
         "USD", "Microsoft.CognitiveServices", account, '"project": "atlas"', unit, "Microsoft", "Usage", "OnDemand",
         "0.5")
        for place, (family, meter, unit) in enumerate(SPELLINGS)
    ]  # fmt: skip
    rows.append(
        (SPELLED, "11/01/2026", APPS, "11/03/2026", "SaaS", "Claude", "Consumption units", "7", "7", "USD",
         "Microsoft.SaaS", f"{group}/Microsoft.SaaS/resources/claude", "", "1",
         "Anthropic", "Usage", "OnDemand", "")
    )  # fmt: skip
    with path.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.writer(stream)
        writer.writerows([columns, *rows])
