"""Try again on transient faults, within a budget of attempts and seconds."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import tenacity

from ingest.errors import TransientError

P = ParamSpec("P")
R = TypeVar("R")

_backoff = tenacity.wait_exponential_jitter(multiplier=0.5, max=20)


def _wait(state: tenacity.RetryCallState) -> float:
    """As long as the provider asked, else exponentially longer with jitter."""
    fault = state.outcome.exception() if state.outcome else None
    if isinstance(fault, TransientError) and fault.retry_after is not None:
        return fault.retry_after
    return _backoff(state)


def retrying(*, budget_s: float = 300.0, attempts: int = 6) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a call so that TransientError is tried again.

    Args:
        budget_s: seconds from the first try after which no further one starts.
        attempts: how often the call is made at most.

    Raises:
        TransientError: the last one, when the budget is used up.
    """

    def decorate(call: Callable[P, R]) -> Callable[P, R]:
        policy = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_any(tenacity.stop_after_attempt(attempts), tenacity.stop_after_delay(budget_s)),
            wait=_wait,
            reraise=True,
        )

        @wraps(call)
        def again(*args: P.args, **kwargs: P.kwargs) -> R:
            return policy.copy()(call, *args, **kwargs)

        return again

    return decorate
