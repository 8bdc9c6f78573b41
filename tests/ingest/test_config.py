"""The configuration of the demo organisation loads, lands, and refuses what cannot be meant."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.config import load_configuration, load_sources
from ingest.contracts import Context, StreamContract
from ingest.errors import ConfigError
from ingest.landing import Landing
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import config as config_source

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
RUN = Run("run-1", datetime(2026, 11, 18, 6, tzinfo=UTC))
ORGANISATION: dict[str, Any] = yaml.safe_load((ROOT / "emulator/data/organisation.yml").read_text(encoding="utf-8"))

Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """A copy of the demo's configuration with one piece of one file replaced."""

    def edit(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "config"
        shutil.copytree(CONFIG, folder, dirs_exist_ok=True)
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{name} does not hold {old!r}"
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return edit


def landed(folder: Path, tmp_path: Path) -> tuple[Context, Callable[[StreamContract], list[dict[str, Any]]]]:
    landing = Landing(str(tmp_path / "landing"), RUN)
    context = Context(Settings(config_dir=folder), load_sources(folder / "sources.yml"), landing, RUN)
    return context, lambda contract: landing.read(contract).to_pylist()


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        load_configuration(folder)
    assert refused.value.remedy
    return refused.value.message


def line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_sources_name_every_account_of_the_demo_organisation() -> None:
    sources = load_sources(CONFIG / "sources.yml")
    aws, gcp, azure = ORGANISATION["aws"], ORGANISATION["gcp"], ORGANISATION["azure"]

    assert sources.aws.payer_account_id == aws["payer_account_id"]
    assert {account.id: account.name for account in sources.aws.accounts} == aws["accounts"]
    assert list(sources.aws.regions) == aws["regions"]
    assert [export.billing_account_id for export in sources.gcp.billing_exports] == [gcp["billing_account_id"]]
    assert set(sources.gcp.monitoring_projects) == set(gcp["projects"])
    assert sources.azure.tenant_id == azure["tenant_id"]
    assert {one.id: one.name for one in sources.azure.subscriptions} == {
        key: value["name"] for key, value in azure["subscriptions"].items()
    }


def test_a_cloud_that_is_left_out_is_not_configured(tmp_path: Path) -> None:
    path = tmp_path / "sources.yml"
    path.write_text("gcp: {monitoring_projects: [acme-search-prod]}\n", encoding="utf-8")
    sources = load_sources(path)

    assert sources.providers == ("gcp",)
    assert sources.backfill_days == 90
    with pytest.raises(ConfigError, match="no section 'aws'") as refused:
        _ = sources.aws
    assert "Add 'aws:'" in refused.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param('"210000000002"', "210000000002", "is not text; put it in quotes", id="number"),
        pytest.param('"210000000002"', '"21000000002"', "does not look like", id="eleven digits"),
        pytest.param('"210000000002", name', '"210000000001", name', "'210000000001' is given twice", id="twice"),
        pytest.param('role_arn: "arn:aws:iam', 'role_arn: "arn:aws:sts', "does not look like", id="no role"),
        pytest.param("regions: [us-east-1, eu-west-1]", "regions: []", "needs at least 1 entry", id="no region"),
        pytest.param(
            "billing_account_id: 01A2B3-C4D5E6-F7A8B9", "billing_account_id: 01A2B3", "does not look", id="gcp"
        ),
        pytest.param("backfill_days: 90", "backfill_days: 0", "0 is below 1", id="no days"),
        pytest.param("backfill_days: 90", "backfil_days: 9", "did you mean 'backfill_days'", id="misspelt"),
    ],
)
def test_a_source_that_cannot_be_meant_is_refused(edited: Edit, old: str, new: str, expected: str) -> None:
    folder = edited("sources.yml", old, new)
    message = refusal(folder)

    assert expected in message
    assert f"sources.yml:{line_of(CONFIG / 'sources.yml', old)}: " in message


def test_teams_and_products_are_those_of_the_demo_organisation() -> None:
    ownership = load_configuration(CONFIG).ownership
    streams = [stream for stream in ORGANISATION["streams"] if stream["product"]]

    assert {team.id: team.cost_center for team in ownership.teams} == {
        team: entry["cost_center"] for team, entry in ORGANISATION["teams"].items()
    }
    assert {product.id for product in ownership.products} == {stream["product"] for stream in streams}
    assert {product.team for product in ownership.products} == set(ORGANISATION["teams"])


def test_what_the_demo_leaves_unowned_has_no_owner() -> None:
    patterns = " ".join(rule.pattern for rule in load_configuration(CONFIG).ownership.rules)

    for unowned in ("acme-labs-7f", "acme-shared-ml", "oai-shared", "210000000001"):
        assert unowned not in patterns


@pytest.mark.parametrize(
    ("old", "new", "blamed", "expected"),
    [
        pytest.param(
            "pattern: acme-docs-prod, team: docs",
            "pattern: acme-docs-prod, team: doc",
            "team: doc,",
            "rules[1].team: 'doc' is not one of teams: data-platform, devtools, docs",
            id="a team that nobody declared",
        ),
        pytest.param(
            "team: search, product: semantic-search",
            "team: search, product: ad-copy",
            "product: ad-copy",
            "rules[6].product: 'ad-copy' belongs to 'growth', not to 'search'",
            id="a product of another team",
        ),
        pytest.param(
            "valid_to: 2026-01-01}",
            "valid_to: 2026-02-01}",
            "id: gcp-risk-prod",
            "rules[4].valid_from: gcp project acme-risk-prod: overlaps rules[3]; give rules[3] valid_to: 2026-01-01",
            id="two owners on one day",
        ),
        pytest.param(
            "valid_to: 2026-01-01}",
            "valid_to: 2025-01-01}",
            "id: gcp-risk-pilot",
            "rules[3].valid_to: 2025-01-01 is not after valid_from 2025-01-01",
            id="an ownership without a day",
        ),
        pytest.param(
            "product: [product, app]",
            "product: [product, Owner-Team]",
            "Owner-Team",
            "tag_synonyms.product[1]: 'Owner-Team' already means team",
            id="a tag key with two meanings",
        ),
        pytest.param(
            "id: gcp-docs-prod",
            "id: gcp-search-prod",
            "pattern: acme-docs-prod",
            "rules[1].id: 'gcp-search-prod' is given twice",
            id="a rule id given twice",
        ),
        pytest.param(
            "field: account",
            "field: acount",
            "field: acount",
            "rules[5].field: 'acount' is not one of billing_account, account, project",
            id="a field that does not exist",
        ),
    ],
)
def test_an_ownership_that_cannot_be_meant_is_refused(
    edited: Edit, old: str, new: str, blamed: str, expected: str
) -> None:
    folder = edited("ownership.yml", old, new)
    message = refusal(folder)

    assert expected in message
    assert f"ownership.yml:{line_of(folder / 'ownership.yml', blamed)}: " in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("team: growth", "team: grwth", "'grwth' is not one of the teams of ownership.yml", id="no team"),
        pytest.param("monthly_amount: 12000", "monthly_amount: -1", "-1 is not above 0", id="negative"),
        pytest.param("monthly_amount: 12000", "monthly_amount: 1.005", "has more than 2 decimals", id="half a cent"),
        pytest.param("valid_to: 2026-07-01", "valid_to: 2026-07-15", "not the first day of a month", id="mid-month"),
        pytest.param("valid_to: 2026-07-01", "valid_to: 2026-08-01", "overlaps budgets[1]", id="two for one month"),
        pytest.param("cost_basis: billed", "cost_basis: list", "'list' is not one of billed, effective", id="basis"),
        pytest.param("currency: USD", "currency: dollars", "does not look like", id="currency"),
    ],
)
def test_a_budget_that_cannot_be_meant_is_refused(edited: Edit, old: str, new: str, expected: str) -> None:
    message = refusal(edited("budgets.yml", old, new))

    assert expected in message
    assert "budgets.yml:" in message


def test_a_scope_rule_for_an_unknown_cloud_is_refused_with_its_line(edited: Edit) -> None:
    folder = edited("scope.yml", "id: aws-bedrock, provider: aws", "id: aws-bedrock, provider: amazon")

    assert (
        refusal(folder)
        == f"{folder}/scope.yml:6: rules[0].provider: 'amazon' is not one of aws, gcp, azure, anthropic, openai."
    )


def test_configuration_lands_as_rows(tmp_path: Path) -> None:
    context, read = landed(CONFIG, tmp_path)
    config_source.load(context, None)

    pilot = next(row for row in read(config_source.OWNERSHIP_RULES) if row["rule_id"] == "gcp-risk-pilot")
    assert (pilot["provider"], pilot["field"], pilot["pattern"]) == ("gcp", "project", "acme-risk-prod")
    assert (pilot["team"], pilot["product"], pilot["environment"]) == ("data-platform", None, "dev")
    assert (pilot["valid_from"], pilot["valid_to"]) == (date(2025, 1, 1), date(2026, 1, 1))
    budget = next(row for row in read(config_source.BUDGETS) if row["budget_id"] == "growth")
    assert (budget["monthly_amount"], budget["currency"], budget["product"]) == ("12000", "USD", None)
    keys = {(row["canonical"], row["key"]) for row in read(config_source.TAG_SYNONYMS)}
    assert {("team", "owner-team"), ("product", "app"), ("environment", "env")} <= keys
    assert all(row["is_in_scope"] for row in read(config_source.SCOPE_RULES) if row["rule_id"] == "azure-openai")


def test_landing_the_same_configuration_twice_changes_nothing(tmp_path: Path) -> None:
    context, _ = landed(CONFIG, tmp_path)

    assert all(result.changed for result in config_source.load(context, None))
    assert not any(result.changed for result in config_source.load(context, None))


def test_a_rule_that_is_taken_out_is_gone_after_the_next_load(edited: Edit, tmp_path: Path) -> None:
    context, _ = landed(CONFIG, tmp_path)
    config_source.load(context, None)
    folder = edited("ownership.yml", "  - {id: gcp-docs-prod,", "  # - {id: gcp-docs-prod,")
    context, read = landed(folder, tmp_path)
    config_source.load(context, None)

    assert "gcp-docs-prod" not in {row["rule_id"] for row in read(config_source.OWNERSHIP_RULES)}


def test_without_a_configuration_folder_the_load_says_how_to_name_one(tmp_path: Path) -> None:
    context, _ = landed(CONFIG, tmp_path)
    homeless = Context(Settings(config_dir=None), context.config, context.landing, RUN)

    with pytest.raises(ConfigError, match="No configuration folder is known"):
        config_source.load(homeless, None)
