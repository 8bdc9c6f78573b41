"""Transient faults are tried again within a budget; terminal ones are not."""

import pickle

import pytest

from ingest.errors import PermissionDenied, TransientError
from ingest.retry import retrying


def test_a_transient_fault_is_tried_again_after_the_asked_wait() -> None:
    calls = []

    @retrying(budget_s=10, attempts=4)
    def flaky(value: int) -> int:
        calls.append(value)
        if len(calls) < 3:
            raise TransientError("throttled", retry_after=0.01)
        return value * 2

    assert flaky(4) == 8
    assert calls == [4, 4, 4]


def test_the_last_fault_is_raised_when_the_attempts_are_used_up() -> None:
    calls = []

    @retrying(budget_s=10, attempts=3)
    def always() -> None:
        calls.append(1)
        raise TransientError("503", retry_after=0.0)

    with pytest.raises(TransientError, match="503"):
        always()
    assert len(calls) == 3


def test_no_try_starts_after_the_time_budget() -> None:
    calls = []

    @retrying(budget_s=0.0, attempts=50)
    def always() -> None:
        calls.append(1)
        raise TransientError("503", retry_after=0.0)

    with pytest.raises(TransientError):
        always()
    assert len(calls) == 1


def test_a_terminal_fault_is_not_tried_again() -> None:
    calls = []

    @retrying()
    def denied() -> None:
        calls.append(1)
        raise PermissionDenied("no", "Grant bedrock:ListInferenceProfiles.")

    with pytest.raises(PermissionDenied, match="Grant bedrock"):
        denied()
    assert len(calls) == 1


@pytest.mark.parametrize("error", [PermissionDenied("no", "Grant it."), TransientError("slow", "Wait.", retry_after=3)])
def test_errors_cross_process_borders_with_their_remedy(error: PermissionDenied | TransientError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.remedy) == (type(error), str(error), error.remedy)
