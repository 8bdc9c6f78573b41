"""Alert: send what the published file found, from the published file and the state store alone."""

from dataclasses import dataclass

import state
from alerts.config import AlertsConfig
from alerts.send import send_alerts
from ingest.errors import TerminalError
from ingest.run import Run
from ingest.settings import Settings
from ingest.yaml_config import load_yaml
from pipeline.paths import config_dir


@dataclass(frozen=True)
class AlertResult:
    """What went out: messages, and the spikes that they told."""

    sent: int
    spikes: int


def load_alerts(settings: Settings) -> AlertsConfig:
    """The channels of `alerts.yml`.

    Raises:
        ConfigError: the file is missing or wrong; names file and line.
    """
    return load_yaml(config_dir(settings) / "alerts.yml", AlertsConfig)


def alert(settings: Settings, run: Run) -> AlertResult:
    """Tell each channel of `alerts.yml` what it was not told yet.

    Raises:
        TerminalError: nothing is published, or a channel could not be reached; the others were told.
    """
    if not settings.published.exists():
        raise TerminalError("Nothing is published yet.", "Run `inferledger publish` first.")
    config = load_alerts(settings)
    store = state.open_state(settings.database_url)
    deliveries = send_alerts(settings.published, store, config, run.as_of)
    failed = {delivery.channel: delivery.message for delivery in deliveries if not delivery.sent}
    if failed:
        reasons = "; ".join(f"{channel}: {message}" for channel, message in sorted(failed.items()))
        raise TerminalError(
            f"Alerts could not be sent ({reasons}).", "Mend the channel; the next run sends what is missing."
        )
    told = {spike for delivery in deliveries for spike in delivery.spike_ids}
    return AlertResult(len(deliveries), len(told))
