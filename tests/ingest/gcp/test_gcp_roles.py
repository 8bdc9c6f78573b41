"""The roles of `deploy/gcp` are exactly what the Google sources call: enough, none spare, each missed in a sentence."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from ingest.errors import InferledgerError
from ingest.registry import CLOUDS, modules
from ingest.run import Window

DEPLOY = Path(__file__).parents[3] / "deploy" / "gcp"
BINDINGS = yaml.safe_load((DEPLOY / "bindings.yaml").read_text())
WINDOW = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))
LOG_WINDOW = Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))
VIEW = "locations/global/buckets/_Default/views/requests"
# the entries of Google's own roles that a message may name instead of the permission
SAID = {
    "bigquery.tables.list": "roles/bigquery.dataViewer",
    "bigquery.tables.get": "roles/bigquery.dataViewer",
    "bigquery.tables.getData": "roles/bigquery.dataViewer",
    "bigquery.jobs.create": "roles/bigquery.jobUser",
    "bigquery.readsessions.create": "roles/bigquery.readSessionUser",
    "bigquery.readsessions.getData": "roles/bigquery.readSessionUser",
    "monitoring.timeSeries.list": "roles/monitoring.viewer",
    "logging.logEntries.list": "deploy/gcp/request_log_role.yaml",
    "logging.views.access": "roles/logging.viewAccessor",
}


def _permissions(role):
    return yaml.safe_load((DEPLOY / role).read_text())["includedPermissions"]


def _granted(section):
    """Every permission on every resource that the bindings give for a `gcp` section of sources.yml."""
    for binding in BINDINGS:
        for item in getattr(section, binding["for_each"]):
            names = {"project": item} if isinstance(item, str) else item.model_dump()
            if names.get(binding.get("unless")) or ("only_with" in binding and not names.get(binding["only_with"])):
                continue
            resource = binding["resource"].format(**names)
            yield from ((permission, resource) for permission in _permissions(binding["role"]))


def _with_view(rig):
    """One project less, and one log read through a view, so that every role of the bindings is in use."""
    section = rig.context.config.gcp
    first, second = section.request_logs
    logs = (first, second.model_copy(update={"view": VIEW}))
    small = section.model_copy(update={"request_logs": logs, "monitoring_projects": section.monitoring_projects[:2]})
    config = rig.context.config.model_copy(update={"gcp_section": small})
    rig.context = replace(rig.context, config=config)
    rig.permissions.granted = frozenset(_granted(small))
    return small


def _run(rig, source):
    """Load a source and ask its doctor; everything that was said, in one text."""
    said = []
    for module in modules(source):
        try:
            module.load(rig.context, LOG_WINDOW if source == "gcp_request_log" else WINDOW)
        except InferledgerError as error:
            said.append(str(error))
        if hasattr(module, "check"):
            findings = list(module.check(rig.context))
            said += [f"{item.message} {item.remedy}" for item in findings if item.status != "ok"]
    for path in Path(rig.context.settings.landing_root, source, "_status").rglob("part.parquet"):
        said += [message for message in pq.read_table(path)["message"].to_pylist() if message]
    return "\n".join(said)


def test_gcp_6_with_the_roles_every_source_loads_and_nothing_is_granted_that_no_source_uses(rig):
    _with_view(rig)
    said = {source: _run(rig, source) for source in CLOUDS["gcp"]}
    assert "refuses access" not in "\n".join(said.values())
    assert "REST" not in said["gcp_billing"]
    assert rig.permissions.called == set(rig.permissions.granted)


@pytest.mark.parametrize(
    ("source", "permission"),
    [(source, name) for binding in BINDINGS for source in binding["sources"] for name in _permissions(binding["role"])],
)
def test_gcp_6_a_missing_permission_is_named_by_the_load_or_the_doctor(rig, source, permission):
    _with_view(rig)
    rig.permissions.granted = frozenset(need for need in rig.permissions.granted if need[0] != permission)
    said = _run(rig, source)
    assert SAID[permission] in said


def test_every_role_file_is_bound_and_the_guide_names_it():
    files = {path.name for path in DEPLOY.glob("*_role.yaml")}
    assert {binding["role"] for binding in BINDINGS} == files
    guide = (DEPLOY / "roles.md").read_text()
    for binding in BINDINGS:
        assert binding["role"] in guide
        assert all(permission in guide for permission in _permissions(binding["role"]))
    assert not any("*" in name for role in files for name in _permissions(role))


def test_a_grant_on_one_dataset_is_none_on_another(rig):
    _with_view(rig)
    rig.permissions.granted = frozenset(
        (name, place.replace("billing_export", "other")) for name, place in rig.permissions.granted
    )
    assert "roles/bigquery.dataViewer on the dataset" in _run(rig, "gcp_billing")
