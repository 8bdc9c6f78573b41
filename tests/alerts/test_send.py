import email
import email.policy
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alerts import send as sending
from alerts.config import AlertsConfig
from alerts.errors import AlertError
from alerts.send import Delivery, send_alerts
from emulator.service import Service
from state import State, find_incidents, open_state

Publish = Callable[..., Path]
Configure = Callable[..., AlertsConfig]
DEAD = "http://127.0.0.1:9/slack"


def kinds(outbox: Path) -> list[str]:
    return sorted(path.name.split("-", 2)[2] for path in outbox.iterdir())


def told(deliveries: list[Delivery]) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(delivery.channel, delivery.spike_ids, delivery.sent) for delivery in deliveries]


def test_each_channel_is_told_in_its_own_form(
    publish: Publish, store: State, inbox: Service, config: Configure, outbox: Path, as_of: datetime
) -> None:
    deliveries = send_alerts(publish({}), store, config(), as_of, inbox.env)
    assert told(deliveries) == [(kind, ("aaaa",), True) for kind in ("slack", "webhook", "email")]
    assert kinds(outbox) == ["email.eml", "email.txt", "slack.md", "webhook.json"]
    slack = next(outbox.glob("*-slack.md")).read_text()
    assert slack.startswith("**support / ticket-triage on AWS: $4,450 above expected**")
    assert "[Look closer](http://127.0.0.1:8501/?spike=aaaa)" in slack
    mail = next(outbox.glob("*-email.txt")).read_text()
    assert "Subject: support / ticket-triage on AWS: $4,450 above expected\n" in mail
    for words in (
        "since Wed 11 Nov 2026, still going on",
        "$5,987 instead of $1,537: +$4,450 (+290 %)",
        "team support, product ticket-triage, AWS, model claude-sonnet-4-5",
        "each request costs more",
        "effective cost from the provider's bill, in USD",
        "the bill is complete through Mon 16 Nov 2026; later days are not judged.",
        "as of 2026-11-18 06:00 UTC",
    ):
        assert words in mail and words in slack
    parsed = email.message_from_bytes(next(outbox.glob("*.eml")).read_bytes(), policy=email.policy.default)
    assert parsed.get_content_type() == "text/plain"


def test_the_webhook_gets_every_fact_by_name_and_money_as_text(
    publish: Publish, store: State, inbox: Service, config: Configure, outbox: Path, as_of: datetime
) -> None:
    send_alerts(publish({}), store, config(), as_of, inbox.env)
    sent = json.loads(next(outbox.glob("*-webhook.json")).read_text())
    assert sent.pop("message").startswith("support / ticket-triage")
    assert sent == {
        "kind": "spike", "title": "support / ticket-triage on AWS: $4,450 above expected", "spike_id": "aaaa",
        "lane": "billed", "provider": "aws", "team": "support", "product": "ticket-triage", "sub_account_id": None,
        "model": "claude-sonnet-4-5", "direction": "up", "verdict": "efficiency", "metric": "effective_cost_usd",
        "currency": "USD", "started_on": "2026-11-11", "detected_on": "2026-11-11", "ended_on": None,
        "actual": "5987.250000000000", "expected": "1537.000000000000", "impact_usd": "4450.250000000000",
        "drivers": {"efficiency": "4448.250000000000", "volume": "2.000000000000"},
        "complete_through": "2026-11-16", "as_of": "2026-11-18T06:00:00Z",
        "link": "http://127.0.0.1:8501/?spike=aaaa",
    }  # fmt: skip


def test_the_same_spike_is_sent_once(
    publish: Publish, store: State, inbox: Service, config: Configure, outbox: Path, as_of: datetime
) -> None:
    send_alerts(publish({}), store, config(), as_of, inbox.env)
    grown = publish({"impact_usd": Decimal(6000)}, as_of=as_of + timedelta(days=1))
    assert send_alerts(grown, store, config(), as_of + timedelta(days=1), inbox.env) == []
    assert len(list(outbox.glob("*-slack.md"))) == 1
    (incident,) = find_incidents(store, provider="aws", team="support", direction="up")
    assert incident.impact_usd == Decimal(6000)


def test_a_failed_channel_neither_stops_the_others_nor_is_forgotten(
    publish: Publish, store: State, inbox: Service, config: Configure, outbox: Path, as_of: datetime
) -> None:
    broken = {**inbox.env, "INFERLEDGER_ALERT_SLACK_URL": DEAD}
    published = publish({})
    first = send_alerts(published, store, config(), as_of, broken)
    assert told(first) == [("slack", ("aaaa",), False), ("webhook", ("aaaa",), True), ("email", ("aaaa",), True)]
    assert first[0].message
    again = send_alerts(published, store, config(), as_of, inbox.env)
    assert told(again) == [("slack", ("aaaa",), True)]
    assert kinds(outbox).count("email.txt") == 1


def test_a_channel_that_refuses_the_message_has_failed(
    publish: Publish, store: State, inbox: Service, config: Configure, as_of: datetime
) -> None:
    refused = {"INFERLEDGER_ALERT_SLACK_URL": inbox.env["INFERLEDGER_ALERT_SLACK_URL"] + "/nowhere"}
    (delivery,) = send_alerts(publish({}), store, config(), as_of, refused)
    assert (delivery.sent, "404" in str(delivery.message)) == (False, True)


def test_an_address_of_the_wrong_kind_is_a_failed_channel_that_names_its_variable(
    publish: Publish, store: State, inbox: Service, config: Configure, as_of: datetime
) -> None:
    wrong = {**inbox.env, "INFERLEDGER_ALERT_EMAIL_URL": "finance@acme.example"}
    deliveries = send_alerts(publish({}), store, config(), as_of, wrong)
    assert [delivery.sent for delivery in deliveries] == [True, True, False]
    assert "INFERLEDGER_ALERT_EMAIL_URL" in str(deliveries[2].message)


def test_a_channel_without_address_is_off(
    publish: Publish, store: State, inbox: Service, config: Configure, as_of: datetime
) -> None:
    only = {"INFERLEDGER_ALERT_SLACK_URL": inbox.env["INFERLEDGER_ALERT_SLACK_URL"]}
    assert told(send_alerts(publish({}), store, config(), as_of, only)) == [("slack", ("aaaa",), True)]


@pytest.mark.parametrize(
    ("difference", "is_told"),
    [
        ({"impact_usd": Decimal("99.99")}, False),
        ({"impact_usd": Decimal("100")}, True),
        ({"impact_usd": Decimal("-4000"), "direction": "down"}, True),
        ({"started_on": date(2026, 9, 1), "ended_on": date(2026, 11, 3)}, False),
        ({"started_on": date(2026, 9, 1), "ended_on": date(2026, 11, 4)}, True),
        ({"started_on": date(2026, 9, 1), "ended_on": None}, True),
    ],
    ids=["too small", "just enough", "a fall", "15 days old", "14 days old", "old but lasting"],
)
def test_what_is_too_small_or_too_old_is_not_told(
    publish: Publish, store: State, inbox: Service, config: Configure, as_of: datetime, difference: Any, is_told: bool
) -> None:
    deliveries = send_alerts(publish(difference), store, config(), as_of, inbox.env)
    assert bool(deliveries) is is_told
    assert len(find_incidents(store, provider="aws", team="support", direction=difference.get("direction", "up"))) == 1


def many(count: int) -> list[dict[str, Any]]:
    return [
        {
            "spike_id": f"s{n}",
            "product": f"product-{n}",
            "impact_usd": Decimal(1000 - n),
            "ended_on": date(2026, 11, 12),
        }
        for n in range(count)
    ]


def test_many_spikes_come_as_one_digest_and_once(
    publish: Publish, store: State, inbox: Service, config: Configure, outbox: Path, as_of: datetime
) -> None:
    published = publish(*many(6))
    deliveries = send_alerts(published, store, config(), as_of, inbox.env)
    ids = tuple(f"s{n}" for n in range(6))
    assert told(deliveries) == [(kind, ids, True) for kind in ("slack", "webhook", "email")]
    mail = next(outbox.glob("*-email.txt")).read_text()
    assert "Subject: 6 spikes in AI spend\n" in mail
    assert mail.index("product-0") < mail.index("product-5")
    assert [spike["spike_id"] for spike in json.loads(next(outbox.glob("*.json")).read_text())["spikes"]] == list(ids)
    assert send_alerts(published, store, config(), as_of, inbox.env) == []


def test_few_spikes_come_one_by_one_largest_first(
    publish: Publish, store: State, inbox: Service, config: Configure, as_of: datetime
) -> None:
    deliveries = send_alerts(publish(*reversed(many(3))), store, config(), as_of, inbox.env)
    assert [delivery.spike_ids for delivery in deliveries[:3]] == [("s0",), ("s1",), ("s2",)]


def test_a_spike_seen_on_estimates_is_not_told_again_with_the_bill(
    publish: Publish, store: State, inbox: Service, config: Configure, as_of: datetime
) -> None:
    early = {"spike_id": "early", "lane": "estimate", "started_on": date(2026, 11, 17)}
    assert len(send_alerts(publish(early), store, config(), as_of, inbox.env)) == 3
    billed = publish({"spike_id": "late", "started_on": date(2026, 11, 17)}, as_of=as_of + timedelta(days=1))
    assert send_alerts(billed, store, config(), as_of + timedelta(days=1), inbox.env) == []
    kept = find_incidents(store, provider="aws", team="support", direction="up")
    assert {incident.spike_id: incident.same_as for incident in kept} == {"early": None, "late": "early"}


def test_a_later_spike_of_the_same_series_is_told(
    publish: Publish, store: State, inbox: Service, config: Configure, as_of: datetime
) -> None:
    ended = {"ended_on": date(2026, 11, 12)}
    send_alerts(publish(ended), store, config(), as_of, inbox.env)
    both = publish(ended, {"spike_id": "bbbb", "started_on": date(2026, 11, 16)}, as_of=as_of + timedelta(days=1))
    deliveries = send_alerts(both, store, config(), as_of + timedelta(days=1), inbox.env)
    assert {delivery.spike_ids for delivery in deliveries} == {("bbbb",)}


SEND_AND_DIE = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from alerts import send
from alerts.config import AlertsConfig
from state import open_state

send.store.record_delivery = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
published, url, config, as_of = sys.argv[1:]
chosen = AlertsConfig.model_validate_json(config)
send.send_alerts(Path(published), open_state(url), chosen, datetime.fromisoformat(as_of))
"""


def test_a_run_killed_between_sending_and_remembering_does_not_send_twice(
    publish: Publish, inbox: Service, config: Configure, outbox: Path, tmp_path: Path, as_of: datetime
) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    slack = {"INFERLEDGER_ALERT_SLACK_URL": inbox.env["INFERLEDGER_ALERT_SLACK_URL"]}
    published = publish({})
    arguments = [str(published), url, config().model_dump_json(), as_of.isoformat()]
    run = subprocess.run(
        [sys.executable, "-c", SEND_AND_DIE, *arguments],
        check=False,
        env={**os.environ, **slack, "PYTHONPATH": str(Path(sending.__file__).parents[1])},
    )
    assert run.returncode == -signal.SIGKILL
    assert len(list(outbox.glob("*-slack.md"))) == 1
    store = open_state(url)
    assert send_alerts(published, store, config(), as_of, slack) == []
    assert len(list(outbox.glob("*-slack.md"))) == 1
    next_day = publish({}, {"spike_id": "bbbb", "product": "other"}, as_of=as_of + timedelta(days=1))
    send_alerts(next_day, store, config(), as_of + timedelta(days=1), slack)
    store.close()
    later = next(outbox.glob("20261119*-slack.md")).read_text()
    assert "an earlier run was cut off" in later and "?spike=aaaa" in later


def test_the_dashboard_of_the_environment_has_precedence(
    publish: Publish, store: State, inbox: Service, config: Configure, outbox: Path, as_of: datetime
) -> None:
    send_alerts(
        publish({}), store, config(), as_of, {**inbox.env, "INFERLEDGER_DASHBOARD_URL": "https://costs.acme.example/"}
    )
    assert "https://costs.acme.example/?spike=aaaa" in next(outbox.glob("*-slack.md")).read_text()


def test_a_missing_published_file_says_what_to_do(
    store: State, config: Configure, tmp_path: Path, as_of: datetime
) -> None:
    with pytest.raises(AlertError, match="Run `inferledger run` first"):
        send_alerts(tmp_path / "nothing.duckdb", store, config(), as_of, {})
    (tmp_path / "broken.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(AlertError, match="cannot be read"):
        send_alerts(tmp_path / "broken.duckdb", store, config(), as_of, {})
