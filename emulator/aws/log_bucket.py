"""The bucket of invocation logs beside the one of the billing export, in the same moto."""

from pathlib import Path

from moto.s3.models import S3Backend

from emulator.aws.invocation_logs import LOG_BUCKET, LogDelivery
from emulator.clock import Clock

REGION = "us-east-1"


class LogBucket:
    """Holds the log objects of the clock's time under a name of its own in moto's global state."""

    def __init__(self, backend: S3Backend, folder: Path, clock: Clock) -> None:
        self._backend, self._clock = backend, clock
        taken = sum(1 for name in backend.buckets if name.endswith(LOG_BUCKET))
        self.name = f"{taken}.{LOG_BUCKET}" if taken else LOG_BUCKET
        backend.create_bucket(self.name, REGION)
        self._delivery = LogDelivery(folder, self._put, self._remove)

    def path(self, key: str) -> str:
        """Where moto has a key, once the bucket holds what the clock says."""
        self._delivery.bring_to(self._clock.now())
        return f"/{self.name}" + (f"/{key}" if key else "")

    def close(self) -> None:
        """Drop the bucket from moto's global state."""
        for key in list(self._backend.buckets[self.name].keys):
            self._remove(key)
        self._backend.delete_bucket(self.name)

    def _put(self, key: str, body: bytes) -> None:
        self._backend.put_object(self.name, key, body)

    def _remove(self, key: str) -> None:
        self._backend.delete_object(self.name, key)
