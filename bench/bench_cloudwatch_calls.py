"""Calls, priced metrics and CPU of a day's CloudWatch read for 1,000 profiles, beside asking profile by profile.

Run: python bench/bench_cloudwatch_calls.py [--profiles 1000] [--hours 24]. The emulator serves eight metrics of every
profile. The least that the limits allow is ceil(queries / 500) calls, or ceil(points / 100,800) where that is more, and
each metric once. The baseline asks one call per profile, as most scripts do. CPU seconds are those of the reading
process; the emulator runs in a process of its own.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emulator.aws import server
from emulator.clock import Clock
from emulator.faults import Faults
from ingest import aws_cloudwatch
from ingest.aws_client import AwsClients
from ingest.aws_cloudwatch import Metric, Series, Spent
from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import aws_bedrock_metrics

AS_OF = datetime(2026, 11, 18, tzinfo=UTC)
PAYER, REGION = "100000000001", "us-east-1"
METRICS = aws_bedrock_metrics.COUNTERS


def write_world(home: Path, profiles: int, hours: int) -> None:
    """The hourly sums of every metric of every profile, all in one account and region."""
    folder = home / "emulator" / "aws"
    (folder / "bill").mkdir(parents=True)
    (folder / "estate.json").write_text("[]")
    first = int(AS_OF.timestamp()) - hours * 3600
    ids = np.repeat([f"profile{number:05d}" for number in range(profiles)], len(METRICS) * hours)
    names = np.tile(np.repeat(sorted(METRICS), hours), profiles)
    times = np.tile(first + 3600 * np.arange(hours), profiles * len(METRICS))
    place = {"account": [PAYER] * len(ids), "region": [REGION] * len(ids)}
    columns = place | {"model_id": ids, "metric": names, "epoch_s": times, "total": np.ones(len(ids))}
    pq.write_table(pa.table(columns), folder / "metrics.parquet")
    Clock(home / "truth" / "clock.json").set(AS_OF)


def serve(home, ready, asked, stop):
    """Serve the world; when told to stop say what GetMetricData was asked for."""
    faults = Faults()
    service = server.start(Path(home) / "emulator" / "aws", Clock(Path(home) / "truth" / "clock.json"), faults)
    ready.put(service.env)
    while stop.get() == "count":
        seen = [one.params["MetricDataQueries"] for one in faults.requests if one.operation == "GetMetricData"]
        pages = sum(1 for one in faults.requests if one.operation == "GetMetricData" and one.params.get("NextToken"))
        faults.forget_requests()
        asked.put((len(seen), sum(len({_metric(query) for query in queries}) for queries in seen), pages))
    service.stop()


def _metric(query):
    """What is priced: statistics of one metric in one call cost once."""
    asked = query["MetricStat"]["Metric"]
    return asked["MetricName"], asked["Dimensions"][0]["Value"]


def context_of(home: Path, *, latency: bool) -> Context:
    """A run over one account without a role, on a landing of its own."""
    account = {"id": PAYER, "name": "payer"}
    section = {"payer_account_id": PAYER, "accounts": [account], "regions": [REGION]}
    section |= {"latency_metrics": latency}
    config = SourcesConfig.model_validate({"backfill_days": 1, "aws": section})
    run = Run("bench", AS_OF)
    return Context(Settings(home=home), config, Landing(str(home / f"landing-{latency}"), run), run)


def profile_by_profile(context: Context, span: Window, profiles: int) -> None:
    """The baseline: one call for each profile."""
    client = AwsClients(context.settings).cloudwatch(context.config.aws.accounts[0], REGION)
    for number in range(profiles):
        dimensions = (("ModelId", f"profile{number:05d}"),)
        batch = [Series(Metric("AWS/Bedrock", name, dimensions)) for name in METRICS]
        list(aws_cloudwatch.read_call(client, batch, span, 3600, where="baseline", spent=Spent()))


def measured(call):
    """Seconds of the wall and of the CPU that a call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return {"seconds": round(time.perf_counter() - wall, 2), "cpu_seconds": round(time.process_time() - cpu, 2)}


def main() -> None:
    """Print all as JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("--profiles", type=int, default=1000)
    options.add_argument("--hours", type=int, default=24)
    chosen = options.parse_args()
    queue = multiprocessing.get_context("spawn")
    ready, asked, stop = queue.Queue(), queue.Queue(), queue.Queue()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_world(home, chosen.profiles, chosen.hours)
        served = queue.Process(target=serve, args=(folder, ready, asked, stop))
        served.start()
        os.environ.update(ready.get())
        boto3.Session().get_available_services()
        span = Window(AS_OF - timedelta(hours=chosen.hours), AS_OF)
        eight, ten = context_of(home, latency=False), context_of(home, latency=True)

        def counted(call):
            took = measured(call)
            stop.put("count")
            calls, metrics, pages = asked.get()
            usd = str(metrics * aws_cloudwatch.USD_PER_METRIC)
            return took | {"calls": calls, "second_pages": pages, "priced_metrics": metrics, "usd": usd}

        ours = counted(lambda: aws_bedrock_metrics.load(eight, None))
        naive = counted(lambda: profile_by_profile(eight, span, chosen.profiles))
        with_latency = counted(lambda: aws_bedrock_metrics.load(ten, None))
        stop.put("stop")
        served.join()
    metrics = chosen.profiles * len(METRICS)
    ratio = round(ours["cpu_seconds"] / naive["cpu_seconds"], 2)
    least = {"calls": least_calls(metrics, chosen.hours), "priced_metrics": metrics}
    # latency and time to first token, three statistics each, priced once each
    least_with = {
        "calls": least_calls(metrics + 6 * chosen.profiles, chosen.hours),
        "priced_metrics": metrics + 2 * chosen.profiles,
    }
    result = {"eight_metrics": ours, "least": least, "profile_by_profile": naive, "cpu_ratio": ratio}
    result |= {"ten_metrics": with_latency, "least_of_ten": least_with}
    print(json.dumps(result, indent=1))


def least_calls(queries: int, hours: int) -> int:
    """The fewest calls that the limits on queries and on points allow."""
    return max(-(-queries // 500), -(-queries * hours // aws_cloudwatch.POINTS_PER_PAGE))


if __name__ == "__main__":
    main()
