# ruff: noqa: E501 - a description cannot break
"""SKU descriptions as they stand in real exports and in Google's catalog, with what each of them means.

Sources: the Cloud Billing catalog (2026-08-15), https://github.com/grafana/cloudcost-exporter (SKU tests), public notes
of teams on their own exports. Columns: model as named, token class, direction, tier, context band, modality, scope.
"""

from dataclasses import dataclass

VERTEX = ("C7E2-9256-1C43", "Vertex AI")
GEMINI_API = ("AEFD-7695-64FA", "Gemini API")


@dataclass(frozen=True)
class SkuFact:
    """One description and its reading; `-` stands for NULL."""

    sku_id: str
    service_id: str
    service: str
    text: str
    expected: tuple[str, ...]
    amount: float = 1_000_000.0


_VERTEX = """
Gemini 2.5 Flash GA Text Input - Predictions | gemini-2.5-flash input input standard default text -
Gemini 2.5 Flash GA Thinking Text Output - Predictions | gemini-2.5-flash output output standard default text -
Gemini 2.5 Flash GA Text Output (Thinking On) - Predictions | gemini-2.5-flash output output standard default text -
Gemini 2.5 Flash GA Text Output - Predictions | gemini-2.5-flash output output standard default text -
Gemini 2.5 Flash Lite Text Input - Predictions | gemini-2.5-flash-lite input input standard default text -
Gemini 2.5 Flash Live Audio Input - Predictions | gemini-2.5-flash-live input input live default audio -
Gemini 2.5 Flash Live Audio (AV2A) Output - Predictions | gemini-2.5-flash-live output output live default audio -
 Gemini 2.5 Flash GA Input Text Caching (Long) | gemini-2.5-flash cache_read cache_read standard long text -
Gemini 2.5 Flash GA Input Video Caching Storage | gemini-2.5-flash other cache_storage standard default video -
Gemini 3.5 Flash Global Text Input - Predictions | gemini-3.5-flash input input standard default text global
Gemini 3.5 Flash Regional Text Input - Predictions | gemini-3.5-flash input input standard default text regional
Gemini 3.8 Flash Global Text Input Priority - Predictions | gemini-3.8-flash input input priority default text global
Gemini 3.8 Flash Global Text Input Flex - Predictions | gemini-3.8-flash input input flex default text global
Gemini 3.8 Flash Global Text Input - Batch Predictions | gemini-3.8-flash input input batch default text global
Gemini 3.8 Flash Global Input Text Caching Offpeak | gemini-3.8-flash cache_read cache_read offpeak default text global
Gemini 2.5 Pro Text Input (Long) - Predictions | gemini-2.5-pro input input standard long text -
Gemini 2.5 Pro Text Output (Thinking On and Long) - Batch Predictions | gemini-2.5-pro output output batch long text -
gemini 3.0 / 3.1 pro text output - predictions | gemini-3.0/3.1-pro output output standard default text -
Gemini  2.5   Flash Ga Text Input - Predictions | gemini-2.5-flash input input standard default text -
Gemini 2.5 Flash Text Input | gemini-2.5-flash input input standard default text -
Gemini 2.5 Flash GA Image Input - Predictions | gemini-2.5-flash input input standard default image -
Gemini 2.5 Flash Image Text Input - Predictions | gemini-2.5-flash-image input input standard default text -
Gemini 2.5 Flash Image Image Output - Predictions | gemini-2.5-flash-image output output standard default image -
Gemini 9.7 Flash Global Text Output - Predictions | gemini-9.7-flash output output standard default text global
Cloud Vertex AI Model Garden Model as a Service Llama 4 Maverick Batch Input Token | llama-4-maverick input input batch default - -
Cloud Vertex AI Model Garden Model as a Service Llama 4 Maverick Output Tokens | llama-4-maverick output output standard default - -
Vertex AI: Provisioned Throughput 1 week | - other provisioned - default - -
Vertex AI: Provisioned Throughput 1 month | - other provisioned - default - -
Vertex AI: Provisioned Throughput 1 Year | - other provisioned - default - -
Gemini 1.5 Flash Text Input Characters - Predictions | gemini-1.5-flash other characters standard default text -
Custom Training N1 Core running in Iowa | - other unparsed standard default - -
"""
_GEMINI_API = """
Generate content input token count gemini 2.5 flash short input text | gemini-2.5-flash input input standard default text -
Generate content output token count gemini 2.5 flash short input text | gemini-2.5-flash output output standard default text -
Generate content output token count gemini 3.5 flash text | gemini-3.5-flash output output standard default text -
Generate content cached input token count gemini 3.6 flash text | gemini-3.6-flash cache_read cache_read standard default text -
Generate content cached input token count gemini 3.7 flash image flex caching | gemini-3.7-flash cache_read cache_read flex default image -
Generate content output token count gemini 2.5 flash lite tts text batch | gemini-2.5-flash-lite-tts output output batch default text -
EmbedContent input token count for gemini-embedding-001 | gemini-embedding-001 input input standard default - -
"""
_CLAUDE = """
Claude Sonnet 4.6 — Input Tokens — global — Context Window Size from 0 to 200000 Tokens | claude-sonnet-4.6 input input standard default - global
Claude Opus 4 8 — Input Cache Write Tokens (TTL 3600 seconds) — us-east5 — Context Window Size from 200001 to 1000000 Tokens | claude-opus-4.8 cache_write_1h cache_write standard long - regional
Claude Opus 4 8 — Input Cache Write Tokens (TTL 300 seconds) — us-east5 — Context Window Size from 0 to 200000 Tokens | claude-opus-4.8 cache_write_5m cache_write standard default - regional
Claude Haiku 4 5 — Input Tokens — global — Context Window Size from 0 to 200000 Tokens | claude-haiku-4.5 input input standard default - global
Claude Haiku 4 5 — Input Cache Read Tokens — global | claude-haiku-4.5 cache_read cache_read standard default - global
Claude Haiku 4 5 — Batch Cache Read Tokens — global | claude-haiku-4.5 cache_read cache_read batch default - global
Claude 3 Haiku Input Tokens | claude-3-haiku input input standard default - -
"""
_ELSEWHERE = """
Gemini Code Assist seat | - other - - default - -
"""


def _facts(text: str, prefix: str, service_id: str, service: str | None = None) -> list[SkuFact]:
    found: list[SkuFact] = []
    for number, line in enumerate(filter(str.strip, text.splitlines())):
        description, _, reading = line.partition(" | ")
        name = service or " ".join(description.split()[:3])
        found.append(SkuFact(f"{prefix}-{number:02}", service_id, name, description, tuple(reading.split())))
    return found


SKUS = [
    *_facts(_VERTEX, "V", *VERTEX),
    *_facts(_GEMINI_API, "G", *GEMINI_API),
    *_facts(_CLAUDE, "C", "9F5C-0000-0001"),
    *_facts(_ELSEWHERE, "E", "0000-0000-0000", "Developer Tools"),
    # an amount in millions of tokens where tokens are meant
    SkuFact("X-00", "9F5C-0000-0002", "Claude Sonnet 4.5", "Claude Sonnet 4.5 — Output Tokens — global",
            ("claude-sonnet-4.5", "output", "output", "standard", "default", "-", "global"), 1.0),
]  # fmt: skip
