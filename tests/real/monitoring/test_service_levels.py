"""The queries by which the page of service levels measures them, played by Prometheus' own promtool."""

import re
from pathlib import Path
from typing import Any, Final

from real.monitoring.conftest import Scraped
from rig.promtool import Promtool

ROOT: Final = Path(__file__).parents[3]
ALERTS: Final = ROOT / "charts" / "herder" / "files" / "alerts.yaml"
PAGE: Final = (ROOT / "docs" / "operations" / "slos.md").read_text()
[HEALED_IN_TIME, REGISTERED] = re.findall(r"^```promql\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)

TARGET: Final = 'job="herder", instance="herder:8081", namespace="ns", gateway="gw"'


def _answer(query: str, share: float) -> list[dict[str, Any]]:
    """What promtool is to find at the end of an hour: one number without labels."""
    return [{"expr": query, "eval_time": "59m", "exp_samples": [{"labels": "{}", "value": share}]}]


def test_the_share_of_restarts_that_were_healed_in_time_is_measured(promtool: Promtool, tmp_path: Path) -> None:
    series = {
        f'herder_replica_heal_seconds_bucket{{{TARGET}, le="60.0"}}': "0 1 3x60",
        f'herder_replica_heal_seconds_bucket{{{TARGET}, le="+Inf"}}': "0 2 4x60",
        f"herder_replica_heal_seconds_count{{{TARGET}}}": "0 2 4x60",
    }

    assert promtool.play(ALERTS, series, _answer(HEALED_IN_TIME, 0.75), tmp_path) == ""


def test_the_first_restart_of_a_gateways_replica_counts_too(
    promtool: Promtool, sound_run: Scraped, tmp_path: Path
) -> None:
    assert promtool.play(ALERTS, sound_run.series(), _answer(HEALED_IN_TIME, 1), tmp_path) == ""


def test_the_share_of_what_is_registered_is_measured_over_all_gateways(promtool: Promtool, tmp_path: Path) -> None:
    other = TARGET.replace("gw", "other")
    series = {
        f'herder_gateway_entries{{{TARGET}, state="declared"}}': "6x60",
        f'herder_gateway_entries{{{TARGET}, state="registered"}}': "6x60",
        f'herder_gateway_entries{{{other}, state="declared"}}': "2x60",
        f'herder_gateway_entries{{{other}, state="registered"}}': "0x60",
    }

    assert promtool.play(ALERTS, series, _answer(REGISTERED, 0.75), tmp_path) == ""
