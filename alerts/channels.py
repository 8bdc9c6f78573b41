"""Sends one message to one channel, through apprise.

Addresses come from the environment. Slack and webhook addresses are `https://` URLs, those of e-mail are apprise's:
`mailto://USER:PASSWORD@HOST:PORT?from=A&to=B`. E-mail goes over TLS (STARTTLS unless `mode=ssl`) except to this
machine.
"""

import io
import ipaddress
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, unquote, urlsplit

import apprise

from alerts.config import Channel
from alerts.errors import AlertError
from alerts.message import Message, plain_text, slack_text

# apprise's JSON body has these keys; mapped to nothing they are left out.
_NO_ENVELOPE = {"version": "", "attachments": "", "type": ""}


def send(channel: Channel, address: str, message: Message) -> str | None:
    """Send the message.

    Returns:
        None when the channel took it, else one sentence on why not.

    Raises:
        AlertError: the address is none of the channel's kind.
    """
    title, body, target = "", plain_text(message), apprise.Apprise()
    if channel.kind == "slack":
        body = slack_text(message)
        service = _webhook(channel, address, {**_NO_ENVELOPE, "title": "", "message": "text"})
    elif channel.kind == "webhook":
        service = _webhook(channel, address, {**_NO_ENVELOPE, **message.facts})
        title = message.title
    else:
        title = message.title
        service = _email(channel, address)
    target.add(service)
    with _overheard() as log:
        took = target.notify(body=body, title=title)
    return None if took else _reason(log.getvalue())


@contextmanager
def _overheard() -> Iterator[io.StringIO]:
    """What apprise warns of meanwhile: it says there alone why a message did not go out."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    level, propagates = apprise.logger.level, apprise.logger.propagate
    apprise.logger.addHandler(handler)
    apprise.logger.setLevel(logging.WARNING)
    apprise.logger.propagate = False
    try:
        yield log
    finally:
        apprise.logger.removeHandler(handler)
        apprise.logger.setLevel(level)
        apprise.logger.propagate = propagates


def _webhook(channel: Channel, address: str, payload: dict[str, object]) -> apprise.NotifyBase:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(channel, "an https:// address")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise _wrong(channel, "an https:// address; plain http:// only reaches this machine")
    service = apprise.Apprise.instantiate(
        {
            "schema": "jsons" if parts.scheme == "https" else "json",
            "host": parts.hostname,
            "port": parts.port,
            "user": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "fullpath": parts.path or "/",
            "params": dict(parse_qsl(parts.query)),
            "payload": payload,
        }
    )
    if service is None:
        raise _wrong(channel, "an https:// address")
    return service


def _email(channel: Channel, address: str) -> apprise.NotifyBase:
    wanted = "an address such as mailto://USER:PASSWORD@HOST:587?from=A&to=B"
    parts = urlsplit(address)
    if parts.scheme not in ("mailto", "mailtos") or not parts.hostname:
        raise _wrong(channel, wanted)
    query = dict(parse_qsl(parts.query))
    if not _is_this_machine(parts.hostname):
        if query.get("mode", "").lower() == "insecure" or query.get("verify", "").lower() in ("no", "false", "0"):
            raise _wrong(channel, f"{wanted}, over verified TLS; plain e-mail only goes to this machine")
        address = "mailtos" + address[len(parts.scheme) :]
    separator = "&" if parts.query else "?"
    service = apprise.Apprise.instantiate(f"{address}{separator}format=text")
    if service is None:
        raise _wrong(channel, wanted)
    return service


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong(channel: Channel, wanted: str) -> AlertError:
    return AlertError(
        f"{channel.url_env}, the address of the alert channel {channel.name}, is not {wanted}.",
        f"Set {channel.url_env}.",
    )


def _reason(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else "it gave no reason"
