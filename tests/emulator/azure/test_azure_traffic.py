"""What deployments serve, spill and refuse."""

import numpy as np
import pytest

from emulator.azure import bill
from emulator.azure.traffic import TOKENS, Traffic, play


@pytest.fixture(scope="module")
def traffic(written) -> Traffic:
    return play(written.world)


def flows(traffic: Traffic, workload_id: str, *, is_spilled: bool = False):
    return [f for f in traffic.flows if f.deployment.workload_id == workload_id and f.is_spilled == is_spilled]


def asked(written, stream_id: str, column: str) -> int:
    usage = written.world.usage.to_pandas()
    return int(usage.loc[usage.stream_id == stream_id, column].sum())


def test_spilled_traffic_is_served_by_the_spillover_deployment_and_nothing_is_lost(written, traffic):
    (stays,) = flows(traffic, "oai-support/gpt-4o-ptu")
    (spilled,) = flows(traffic, "oai-support/gpt-4o", is_spilled=True)
    for name in TOKENS:
        served = int(stays.counts[name].sum() + spilled.counts[name].sum())
        assert served == asked(written, "az-agent-assist-ptu", name)
    assert int(spilled.counts["request_count"].sum()) > 0
    refused = stays.counts["throttled_count"] - spilled.counts["request_count"]
    assert int(refused.sum()) == asked(written, "az-agent-assist-ptu", "throttled_count")


def test_where_nothing_spills_the_overflow_is_refused(written, traffic):
    (stays,) = flows(traffic, "oai-codereview/gpt-4.1-ptu")
    turned_away = asked(written, "az-code-review-ptu", "request_count") - int(stays.counts["request_count"].sum())
    assert turned_away > 0
    assert int(stays.counts["throttled_count"].sum()) == turned_away + asked(
        written, "az-code-review-ptu", "throttled_count"
    )


def test_utilisation_is_what_was_served_over_what_the_ptus_can(traffic):
    (stays,) = flows(traffic, "oai-codereview/gpt-4.1-ptu")
    used = (stays.counts["input_tokens"] + 4 * stays.counts["output_tokens"]) / (50 * 3000 * 60) * 100
    load = traffic.loads["oai-codereview", "gpt-4.1-ptu"]
    assert np.abs(load.mean_pct - used).max() < 0.05
    assert (load.peak_pct <= 100).all()
    assert (load.low_pct <= load.mean_pct).all()


def test_the_idle_deployment_is_idle(traffic):
    assert traffic.loads["oai-codecomplete", "gpt-4.1-mini-ptu"].mean_pct.max() == 0


def test_usage_truth_names_the_deployment_that_served(written):
    usage = bill.usage_truth(written.world).to_pandas()
    assert not usage.duplicated(["usage_date", "workload_id", "team", "product"]).any()
    shared = usage[usage.workload_id == "oai-shared/gpt-5-mini"]
    assert set(shared.team) == {"mobile", "growth"}
    served = usage[usage.workload_id == "oai-support/gpt-4o"].request_count.sum()
    assert served > asked(written, "az-agent-assist", "request_count")
