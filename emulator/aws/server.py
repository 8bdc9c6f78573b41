"""Start the local AWS: one port for the APIs, one for S3."""

import json
from pathlib import Path
from threading import Thread

from emulator.aws.api import ApiServer, AwsApi
from emulator.aws.bedrock import Bedrock
from emulator.aws.cloudwatch import CloudWatch
from emulator.aws.costs import Costs
from emulator.aws.estate import load_estate
from emulator.aws.policy import Guard
from emulator.aws.s3 import Bucket, BucketServer
from emulator.aws.wire import access_key
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.service import Service

PAYER = "100000000001"


def start(
    folder: Path,
    clock: Clock,
    faults: Faults,
    *,
    api_port: int = 0,
    s3_port: int = 0,
    guard: Guard | None = None,
) -> Service:
    """Serve the world that `emulator.aws.bill` wrote into `folder`, on 127.0.0.1.

    Args:
        guard: keeps what each account's policy does not grant from being answered; none takes the policies of the
            folder's `policies.json` (`{account: document}`), and allows everything where there is no such file.

    Returns:
        A Service whose env has the endpoints and credentials of the payer account; other accounts are reached by
        assuming a role in them.
    """
    guard = guard or _guard_of(folder)
    bedrock, cloudwatch = Bedrock(load_estate(folder), clock), CloudWatch(folder, clock)
    api = AwsApi(bedrock, cloudwatch, clock, faults, costs=Costs(folder), guard=guard)
    server = ApiServer(("127.0.0.1", api_port), api)
    thread = Thread(target=server.serve_forever, name="emulator-aws", daemon=True)
    thread.start()
    bucket = BucketServer(Bucket(folder, clock, faults, guard), s3_port)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
        bucket.stop()

    env = {
        "INFERLEDGER_AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "INFERLEDGER_AWS_S3_ENDPOINT_URL": bucket.url,
        "AWS_ACCESS_KEY_ID": access_key(PAYER),
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return Service(env=env, stop=stop)


def _guard_of(folder: Path) -> Guard:
    guard, path = Guard(), folder / "policies.json"
    if path.is_file():
        for account, policy in json.loads(path.read_text(encoding="utf-8")).items():
            guard.enforce(account, policy)
    return guard
