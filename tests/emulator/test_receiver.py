import json
import smtplib
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulator import receiver
from emulator.service import Service

TEXT = "*Cost is up*\n*Who:* support &amp; co\n<http://127.0.0.1:8501/?spike=a|Look closer>\nas of 2026-11-18 06:00 UTC"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = receiver.start(tmp_path / "outbox")
    yield running
    running.stop()


def post(url: str, body: bytes) -> tuple[int, str]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def mail(service: Service, body: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@acme.example", "b@acme.example", "Cost is up by 5 €"
    message.set_content(body)
    address = urlsplit(service.env["INFERLEDGER_ALERT_EMAIL_URL"])
    with smtplib.SMTP(str(address.hostname), address.port or 0, timeout=10) as client:
        client.send_message(message)


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "outbox").iterdir())


def test_a_slack_message_is_kept_as_slack_would_show_it(service: Service, tmp_path: Path) -> None:
    assert post(service.env["INFERLEDGER_ALERT_SLACK_URL"], json.dumps({"text": TEXT}).encode()) == (200, "ok")
    assert files(tmp_path) == ["20261118T0600Z-001-slack.md"]
    shown = (tmp_path / "outbox" / "20261118T0600Z-001-slack.md").read_text()
    assert shown.splitlines() == [
        "**Cost is up**  ",
        "**Who:** support & co  ",
        "[Look closer](http://127.0.0.1:8501/?spike=a)  ",
        "as of 2026-11-18 06:00 UTC",
    ]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"not json", "invalid_payload"),
        (b'["text"]', "invalid_payload"),
        (b'{"message": "hello"}', "no_text"),
        (b'{"text": " "}', "no_text"),
    ],
)
def test_what_slack_would_refuse_is_refused(service: Service, tmp_path: Path, body: bytes, answer: str) -> None:
    assert post(service.env["INFERLEDGER_ALERT_SLACK_URL"], body) == (400, answer)
    assert files(tmp_path) == []


def test_a_webhook_message_is_kept_as_json(service: Service, tmp_path: Path) -> None:
    sent = {"impact_usd": "12.500000000000", "as_of": "2026-11-18T06:00:00Z"}
    assert post(service.env["INFERLEDGER_ALERT_WEBHOOK_URL"], json.dumps(sent).encode())[0] == 200
    assert files(tmp_path) == ["20261118T0600Z-001-webhook.json"]
    assert json.loads((tmp_path / "outbox" / "20261118T0600Z-001-webhook.json").read_text()) == sent


def test_a_mail_is_kept_as_sent_and_as_read(service: Service, tmp_path: Path) -> None:
    mail(service, "Cost is up by 5 €.\n\nas of 2026-11-18 06:00 UTC\n")
    assert files(tmp_path) == ["20261118T0600Z-001-email.eml", "20261118T0600Z-001-email.txt"]
    read = (tmp_path / "outbox" / "20261118T0600Z-001-email.txt").read_text()
    assert "Subject: Cost is up by 5 €\n" in read
    assert "Cost is up by 5 €.\n" in read
    assert b"Subject: Cost is up by 5 =?utf-8?" in (tmp_path / "outbox" / "20261118T0600Z-001-email.eml").read_bytes()


def test_numbers_go_on_after_a_restart(service: Service, tmp_path: Path) -> None:
    post(service.env["INFERLEDGER_ALERT_SLACK_URL"], json.dumps({"text": TEXT}).encode())
    mail(service, "as of 2026-11-18 06:00 UTC")
    again = receiver.start(tmp_path / "outbox")
    post(again.env["INFERLEDGER_ALERT_SLACK_URL"], json.dumps({"text": TEXT}).encode())
    post(again.env["INFERLEDGER_ALERT_WEBHOOK_URL"], b'{"as_of": "2026-11-19T06:00:00Z"}')
    post(again.env["INFERLEDGER_ALERT_WEBHOOK_URL"], b'{"hello": "there"}')
    again.stop()
    assert files(tmp_path) == [
        "20261118T0600Z-001-slack.md",
        "20261118T0600Z-002-email.eml",
        "20261118T0600Z-002-email.txt",
        "20261118T0600Z-003-slack.md",
        "20261119T0600Z-001-webhook.json",
        "undated-001-webhook.json",
    ]


def test_another_path_is_not_there(service: Service, tmp_path: Path) -> None:
    url = service.env["INFERLEDGER_ALERT_SLACK_URL"].replace("/slack", "/other")
    assert post(url, b"{}")[0] == 404
    assert files(tmp_path) == []


def test_it_listens_on_this_machine_only_and_frees_its_ports(tmp_path: Path) -> None:
    running = receiver.start(tmp_path)
    urls = [urlsplit(url) for url in running.env.values()]
    assert {url.hostname for url in urls} == {"127.0.0.1"}
    running.stop()
    for url in urls:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", url.port or 0), timeout=5)
