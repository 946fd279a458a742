"""The chart's alerts, played by Prometheus' own promtool: silent on a sound run, each firing on its trouble alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from real.monitoring.conftest import Scraped
from rig.control_plane.cluster import Cluster
from rig.declared import Declared
from rig.gateway import Smg
from rig.operator_process import Operator
from rig.promtool import Promtool
from rig.waiting import eventually
from rig.web import fetch

ROOT: Final = Path(__file__).parents[3]
ALERTS: Final = ROOT / "charts" / "herder" / "files" / "alerts.yaml"
RULES: Final[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())
NAMES: Final = [rule["alert"] for group in RULES["groups"] for rule in group["rules"]]

TARGET: Final = 'job="herder", instance="herder:8081"'
GATEWAY: Final = f'{TARGET}, namespace="ns", gateway="gw"'
WELL: Final = {
    f'herder_build_info{{{TARGET}, version="1"}}': "1x60",
    f"herder_leader{{{TARGET}}}": "1x60",
    f'herder_gateway_info{{{GATEWAY}, mode="Enforce"}}': "1x60",
    f'herder_gateway_replicas{{{GATEWAY}, state="Reachable"}}': "2x60",
    f'herder_gateway_replicas{{{GATEWAY}, state="Unreachable"}}': "0x60",
    f'herder_gateway_replicas{{{GATEWAY}, state="Refuses"}}': "0x60",
}
"""What there is in each case, unless the case says otherwise."""

_REQUESTS = "herder_gateway_requests_total"
_WORKERS = f'{TARGET}, method="GET", route="/workers"'
_API = f'{TARGET}, verb="patch", resource="workerregistrations/status"'

TROUBLE: Final[dict[str, dict[str, str]]] = {
    "HerderDown": dict.fromkeys(WELL, "_x60"),
    "HerderNoLeader": {f"herder_leader{{{TARGET}}}": "0x60"},
    "HerderTwoLeaders": {'herder_leader{job="herder", instance="other:8081"}': "1x60"},
    "HerderLeadershipLost": {f'herder_leader_transitions_total{{{TARGET}, transition="Lost"}}': "0x5 1x5 2x5 3x45"},
    "HerderWatchStale": {f'herder_watch_age_seconds{{{TARGET}, kind="Tokenizer"}}': "0+60x60"},
    "HerderQueueStuck": {f'herder_queue_oldest_seconds{{{TARGET}, kind="WasmModule"}}': "0+60x60"},
    "HerderRunsStarved": {f"herder_runs_oldest_wait_seconds{{{TARGET}}}": "0+60x60"},
    "HerderReconcileDefects": {
        f'herder_reconcile_failures_total{{{TARGET}, kind="McpServer", cause="Defect"}}': "0x10 0+1x50"
    },
    "HerderRunsFailing": {
        f'herder_workflow_runs_total{{{TARGET}, workflow="w", outcome="Failed"}}': "0+2x60",
        f'herder_workflow_runs_total{{{TARGET}, workflow="w", outcome="Completed"}}': "0+1x60",
    },
    "HerderGatewayReplicaUnreachable": {f'herder_gateway_replicas{{{GATEWAY}, state="Unreachable"}}': "1x60"},
    "HerderGatewayUnreachable": {
        f'herder_gateway_replicas{{{GATEWAY}, state="Reachable"}}': "0x60",
        f'herder_gateway_replicas{{{GATEWAY}, state="Unknown"}}': "2x60",
    },
    "HerderCredentialInvalid": {f'herder_gateway_replicas{{{GATEWAY}, state="Refuses"}}': "1x60"},
    "HerderDriftNotHealed": {f'herder_gateway_entries{{{GATEWAY}, state="drifted"}}': "1x60"},
    "HerderHealSlow": {f"herder_gateway_unhealed_seconds{{{GATEWAY}}}": "0+60x60"},
    "HerderGatewayErrors": {
        f'{_REQUESTS}{{{_WORKERS}, result="200"}}': "0+1x60",
        f'{_REQUESTS}{{{_WORKERS}, result="DeadlineExceeded"}}': "0+1x60",
    },
    "HerderAPIErrors": {
        f'herder_api_requests_total{{{_API}, code="200"}}': "0+4x60",
        f'herder_api_requests_total{{{_API}, code="None"}}': "0+1x60",
    },
    "HerderAPIForbidden": {f'herder_api_requests_total{{{_API}, code="403"}}': "0+1x60"},
    "HerderEventsDropped": {f'herder_events_dropped_total{{{TARGET}, cause="Full"}}': "0+5x60"},
}

HARMLESS: Final[dict[str, dict[str, str]]] = {
    "drift that is healed": {f'herder_gateway_entries{{{GATEWAY}, state="drifted"}}': "1x5 0x55"},
    "drift on a gateway that is only observed": {
        f'herder_gateway_info{{{GATEWAY}, mode="Enforce"}}': "_x60",
        f'herder_gateway_info{{{GATEWAY}, mode="Observe"}}': "1x60",
        f'herder_gateway_entries{{{GATEWAY}, state="drifted"}}': "1x60",
        f"herder_gateway_unhealed_seconds{{{GATEWAY}}}": "0+60x60",
    },
    "a replica that restarts": {f'herder_gateway_replicas{{{GATEWAY}, state="Unreachable"}}': "0x5 1x2 0x50"},
    "a queue of one that stands by": {
        'herder_queue_oldest_seconds{job="herder", instance="other:8081", kind="Tokenizer"}': "0+60x60",
        'herder_leader{job="herder", instance="other:8081"}': "0x60",
    },
    "a gateway without workers says that it is not ready": {
        f'{_REQUESTS}{{{TARGET}, method="GET", route="/readiness", result="503"}}': "0+9x60",
        f'{_REQUESTS}{{{TARGET}, method="GET", route="/v1/models", result="503"}}': "0+9x60",
    },
    "a gateway without modules answers 500": {
        f'{_REQUESTS}{{{TARGET}, method="GET", route="/wasm", result="500"}}': "0+9x60"
    },
    "two runs that failed in a quarter of an hour": {
        f'herder_workflow_runs_total{{{TARGET}, workflow="w", outcome="Failed"}}': "0x20 1 2x38"
    },
    "Events of a namespace that goes": {
        f'herder_api_requests_total{{{TARGET}, verb="create", resource="events", code="403"}}': "0x20 5x40",
        f'herder_events_dropped_total{{{TARGET}, cause="Refused"}}': "0x20 5x40",
    },
    "two releases that drive gateways of their own": {
        'herder_leader{job="other", instance="other:8081"}': "1x60",
        'herder_gateway_info{job="other", instance="other:8081", namespace="other", gateway="gw", mode="M"}': "1x60",
    },
    "a leader that was deposed twice": {
        f'herder_leader_transitions_total{{{TARGET}, transition="Lost"}}': "0x5 1x5 2x50"
    },
    "conflicts": {f'herder_api_requests_total{{{_API}, code="409"}}': "0+9x60"},
    "a gateway that has no replicas yet": {
        f'herder_gateway_replicas{{{GATEWAY}, state="Reachable"}}': "0x60",
    },
}

FIRING: Final = 'count by (alertname) (max_over_time(ALERTS{alertstate="firing"}[1h]))'


def _expected(*alerts: str) -> list[dict[str, Any]]:
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]
    return [{"expr": FIRING, "eval_time": "59m", "exp_samples": samples}]


def test_promtool_takes_the_rules(promtool: Promtool, tmp_path: Path) -> None:
    assert promtool.check(RULES, tmp_path) == ""


def test_no_alert_fires_on_a_sound_run(promtool: Promtool, sound_run: Scraped, tmp_path: Path) -> None:
    assert len(sound_run.series()) > 200

    assert promtool.play(ALERTS, sound_run.series(), _expected(), tmp_path) == ""


@pytest.mark.parametrize("alert", NAMES)
def test_each_alert_fires_on_its_trouble_and_no_other_does(promtool: Promtool, alert: str, tmp_path: Path) -> None:
    assert promtool.play(ALERTS, {**WELL, **TROUBLE[alert]}, _expected(alert), tmp_path) == ""


def test_two_releases_that_drive_one_gateway_are_told_of(promtool: Promtool, tmp_path: Path) -> None:
    other = 'job="other", instance="other:8081"'
    series = {
        f"herder_leader{{{other}}}": "1x60",
        f'herder_gateway_info{{{other}, namespace="ns", gateway="gw", mode="Enforce"}}': "1x60",
    }

    assert promtool.play(ALERTS, {**WELL, **series}, _expected("HerderTwoLeaders"), tmp_path) == ""


async def test_what_real_replicas_do_is_what_the_alerts_look_for(
    promtool: Promtool,
    control_plane: Cluster,
    namespace: str,
    smg_pair: tuple[Smg, Smg],
    log_dir: Path,
    start_operator: Callable[..., Operator],
    tmp_path: Path,
) -> None:
    declared = Declared(control_plane, namespace)
    guarded = Smg.start(api_key="the right key", log_dir=log_dir)
    try:
        declared.secret("key", key="a wrong key")
        declared.gateway([guarded], name="guarded", auth={"apiKeySecretRef": {"name": "key", "key": "key"}})
        declared.gateway(smg_pair)
        smg_pair[0].kill()
        operator = start_operator().wait_healthy()
        signs = (
            'gateway="gw",namespace="{}",state="Unreachable"}} 1.0',
            'gateway="guarded",namespace="{}",state="Refuses"}} 1.0',
        )

        async def page() -> str | None:
            text = (await asyncio.to_thread(fetch, operator.metrics_url)).decode()
            return text if all(sign.format(namespace) in text for sign in signs) else None

        scraped = Scraped((await eventually(page, 60),))
    finally:
        guarded.kill()

    expected = _expected("HerderGatewayReplicaUnreachable", "HerderGatewayUnreachable", "HerderCredentialInvalid")
    assert promtool.play(ALERTS, scraped.series(), expected, tmp_path) == ""


@pytest.mark.parametrize("case", HARMLESS)
def test_what_passes_or_is_meant_so_wakes_nobody(promtool: Promtool, case: str, tmp_path: Path) -> None:
    assert promtool.play(ALERTS, {**WELL, **HARMLESS[case]}, _expected(), tmp_path) == ""
