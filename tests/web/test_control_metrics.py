"""`/metrics` of the control plane, read as Prometheus would."""

from prometheus_client.parser import text_string_to_metric_families
from tests.web.console import Console


def test_rollouts_are_told_by_state(console: Console) -> None:
    console.deploy(console.register())
    headers = {"Authorization": f"Bearer {console.key}"}
    text = console.client.get("/metrics", headers=headers).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    states = {each.labels["state"]: each.value for each in samples if each.name == "headgate_control_rollouts"}
    assert states["promoted"] == 1
    assert sum(states.values()) == 1
