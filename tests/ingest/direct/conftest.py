"""Anthropic's and OpenAI's reports on a real socket, and the context of a run that reads them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from emulator.direct.server import Books, start
from emulator.faults import Faults
from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.run import Run
from ingest.settings import Settings

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
CONFIG = SourcesConfig.model_validate(
    {"backfill_days": 40, "anthropic": {"organization_id": "org-a"}, "openai": {"organization_id": "org-o"}}
)


def books() -> Books:
    """Two days of two workspaces and two projects."""
    first, second = date(2026, 11, 3), date(2026, 11, 16)
    sonnet = {"model": "claude-sonnet-4-5-20250929", "service_tier": "standard", "context_window": "0-200k"}
    usage = {"workspace_id": "wrk-1", **sonnet}
    cost = usage | {"cost_type": "tokens"}
    return Books(
        anthropic_usage=[
            {"day": first, "api_key_id": "key-1", "uncached_input_tokens": 700, "write_5m": 30, "write_1h": 4, **usage},
            {"day": first, "api_key_id": "key-2", "uncached_input_tokens": 300, "output_tokens": 50, **usage},
            {"day": second, **usage, "workspace_id": None, "cache_read_input_tokens": 9_000, "output_tokens": 1},
        ],
        anthropic_costs=[
            {"day": first, **cost, "description": "Sonnet input", "token_type": "uncached_input_tokens",
             "cents": Decimal("0.3")},
            {"day": first, **cost, "description": "Sonnet output", "token_type": "output_tokens",
             "cents": Decimal("0.075")},
            {"day": first, "workspace_id": "wrk-1", "description": "Code Execution Usage",
             "cost_type": "code_execution", "cents": Decimal("123.45678901234")},
            {"day": second, **cost, "workspace_id": None, "description": "Sonnet read",
             "token_type": "cache_read_input_tokens", "cents": Decimal("0.27")},
        ],
        openai_usage=[
            {"day": first, "project_id": "proj-1", "model": "gpt-4o-mini-2024-07-18", "api_key_id": "k", "batch": False,
             "service_tier": "default", "input_tokens": 1_000, "input_cached_tokens": 800, "output_tokens": 60,
             "num_model_requests": 5},
            {"day": second, "project_id": "proj-2", "model": "gpt-4o", "input_tokens": 7, "num_model_requests": 1},
        ],
        openai_costs=[
            {"day": first, "project_id": "proj-1", "line_item": "gpt-4o-mini-2024-07-18, input",
             "usd": Decimal("0.00003")},
            {"day": first, "project_id": "proj-1", "line_item": "gpt-4o-mini-2024-07-18, cached input",
             "usd": Decimal("0.00006")},
            {"day": first, "project_id": "proj-1", "line_item": "gpt-4o-mini-2024-07-18, output",
             "usd": Decimal("0.0000360000000000000")},
            {"day": second, "project_id": "proj-2", "line_item": "web search tool calls", "usd": Decimal("0.01")},
            {"day": second, "project_id": "proj-2", "line_item": "gpt-4o, input", "usd": Decimal("0E-6176")},
        ],
    )  # fmt: skip


@dataclass
class Rig:
    """The running APIs, what they hold, their faults, and a context on an empty home."""

    books: Books
    faults: Faults
    context: Context


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    held, faults = books(), Faults()
    service = start(held, faults)
    for name, value in service.env.items():
        monkeypatch.setenv(name, value)
    settings = Settings(home=tmp_path / "home", retry_budget_seconds=5)
    run = Run("run-1", AS_OF)
    yield Rig(held, faults, Context(settings, CONFIG, Landing(settings.landing_root, run), run))
    service.stop()
