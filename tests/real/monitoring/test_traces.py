"""Traces of a real operator, as a collector gets them: also of one that was killed, and of the one that went on."""

from pathlib import Path

import pytest

from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.traces import Collector
from rig.waiting import eventually
from rig.workers import Answer, MockWorkers, Script


async def test_a_run_that_outlives_its_process_is_one_trace_with_all_of_its_steps(
    control_plane: Cluster,
    namespace: str,
    smg_pair: tuple[Smg, Smg],
    mock_workers: MockWorkers,
    log_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = Declared(control_plane, namespace)
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        declared.gateway(smg_pair)
        worker = mock_workers.add("a", Script(answers={"/v1/models": Answer(status=500)}))
        declared.worker("a", worker.url)

        first = Operator.start(control_plane, "--namespace", namespace, log_dir=log_dir)
        await eventually(lambda: "detect_connection" in {span.name for span in collector.spans}, 60)
        first.kill()
        before = {span.name for span in collector.spans}
        worker.change(answers={})
        second = Operator.start(control_plane, "--namespace", namespace, log_dir=log_dir)
        try:
            found = await declared.until("a", timeout_s=60)
            await eventually(lambda: [span for span in collector.spans if not span.parent_id], 30)
        finally:
            second.stop()

    [root] = [span for span in collector.spans if not span.parent_id]
    run = found["status"]["workflow"]
    assert root.name == "worker-registration"
    assert (root.attributes["herder.name"], root.attributes["herder.instance"]) == ("a", run["instanceId"])
    steps = [span for span in collector.spans if span.parent_id]
    assert {(span.trace_id, span.parent_id) for span in steps} == {(root.trace_id, root.span_id)}
    assert "detect_backend" not in before
    assert {step["name"] for step in run["steps"] if step["status"] == "Succeeded"} <= {span.name for span in steps}
