"""A provider's JSON API over HTTPS: our errors, retries within the budget, a timeout, and pages to their end."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar, cast

import httpx

from ingest.errors import (
    ConfigError,
    CredentialExpired,
    InferledgerError,
    PermissionDenied,
    SchemaChanged,
    TransientError,
    Unreachable,
)
from ingest.retry import retrying
from ingest.settings import Settings

TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0
MOST_PAGES = 10_000
LONGEST_WAIT_S = 60.0
Parameters = Sequence[tuple[str, str]]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Api:
    """One provider's API.

    Args:
        what: the API, as the subject of an error message.
        base: the endpoint, without a path.
        headers: with the credential; never logged, never in a message.
        key_remedy: what to do about a credential that is not accepted.
        grant: what to grant when a call is refused.
    """

    settings: Settings
    what: str
    base: str
    headers: Mapping[str, str] = field(repr=False)
    key_remedy: str
    grant: str

    def pages(self, path: str, parameters: Parameters) -> Iterator[dict[str, Any]]:
        """Each page of an answer, by `has_more` and `next_page`.

        Raises:
            SchemaChanged: a page is no page, or the pages do not end.
            PermissionDenied, CredentialExpired, Unreachable, ConfigError: as the provider answered.
        """
        token: str | None = None
        seen: set[str] = set()
        with httpx.Client(timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)) as client:
            for _ in range(MOST_PAGES):
                page = self._get(client, path, [*parameters, *([("page", token)] if token else [])])
                if not isinstance(page.get("data"), list) or not isinstance(page.get("has_more"), bool):
                    raise SchemaChanged(
                        f"{self.what}: {path} answered without `data` and `has_more`.", "Check the endpoint."
                    )
                yield page
                if not page["has_more"]:
                    return
                token = str(page.get("next_page") or "")
                if not token or token in seen:
                    raise SchemaChanged(f"{self.what}: {path} says there is more, and not where.", "Run again.")
                seen.add(token)
        raise SchemaChanged(f"{self.what}: {path} has over {MOST_PAGES} pages.", "Ask for fewer days.")

    def content(self, path: str, most_bytes: int) -> bytes:
        """A file as it is served.

        Raises:
            SchemaChanged: it is larger than `most_bytes`.
            PermissionDenied, CredentialExpired, Unreachable, ConfigError: as the provider answered.
        """
        with httpx.Client(timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S), follow_redirects=True) as client:
            body = self._patiently(lambda: self._answer(client, path, ()).content)
        if len(body) > most_bytes:
            raise SchemaChanged(f"{self.what}: {path} is larger than {most_bytes:,} bytes.", "Check the endpoint.")
        return body

    def _get(self, client: httpx.Client, path: str, parameters: Parameters) -> dict[str, Any]:
        return self._patiently(lambda: self._once(client, path, parameters))

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        try:
            return retrying(budget_s=self.settings.retry_budget_seconds)(ask)()
        except TransientError as error:
            raise Unreachable(error.message, error.remedy or "Run again later.") from error

    def _answer(self, client: httpx.Client, path: str, parameters: Parameters) -> httpx.Response:
        try:
            answer = client.get(f"{self.base.rstrip('/')}{path}", params=list(parameters), headers=dict(self.headers))
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise TransientError(
                f"{self.what} does not answer at {self.base}: {reason}.", "Check network, proxy and endpoint."
            ) from error
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise ConfigError(f"{self.what} cannot be asked: {error}.", self.key_remedy) from error
        if answer.status_code != 200:
            raise self._refusal(answer, path)
        return answer

    def _once(self, client: httpx.Client, path: str, parameters: Parameters) -> dict[str, Any]:
        answer = self._answer(client, path, parameters)
        try:
            found = json.loads(answer.text, parse_float=Decimal)
        except ValueError as error:
            raise TransientError(f"{self.what}: {path} answered with what is no JSON.") from error
        if not isinstance(found, dict):
            raise SchemaChanged(f"{self.what}: {path} answered with no object.", "Check the endpoint.")
        return cast(dict[str, Any], found)

    def _refusal(self, answer: httpx.Response, path: str) -> InferledgerError:
        status, said = answer.status_code, _reason(answer)
        if status == 401:
            return CredentialExpired(f"{self.what} does not accept the key: {said}.", self.key_remedy)
        if status == 403:
            return PermissionDenied(f"{self.what} refuses {path}: {said}.", self.grant)
        if status in (408, 409, 425, 429) or status >= 500:
            return TransientError(
                f"{self.what}: {path} answered {status}: {said}.", retry_after=_wait(answer.headers.get("retry-after"))
            )
        return ConfigError(f"{self.what}: {path} answered {status}: {said}.", "Check the section in sources.yml.")


def secret(variable: str, needed_for: str) -> str:
    """The value of an environment variable that holds a secret. Raises ConfigError when it is not set."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"{variable} is not set, and {needed_for} needs it.", f"Set {variable} to the admin key.")
    return value


def _reason(answer: httpx.Response) -> str:
    """The provider's own sentence, cut short; both write {"error": {"message": ...}}."""
    try:
        body = json.loads(answer.text)
        said = str(body["error"]["message"])
    except (ValueError, KeyError, TypeError):
        said = answer.reason_phrase or "no reason"
    return " ".join(said.split())[:300].rstrip(".")


def _wait(header: str | None) -> float | None:
    try:
        return min(float(header), LONGEST_WAIT_S) if header is not None else None
    except ValueError:
        return None
