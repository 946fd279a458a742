"""The chart's dashboard: Grafana takes it, Prometheus its queries, and a real run has what they ask for."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from real.monitoring.conftest import Scraped
from rig.grafana import Grafana
from rig.promtool import Promtool

FILES: Final = Path(__file__).parents[3] / "charts" / "herder" / "files"
ALERTS: Final = FILES / "alerts.yaml"
DASHBOARD: Final[dict[str, Any]] = json.loads((FILES / "dashboard.json").read_text())
QUERIES: Final = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
VARIABLES: Final = [each["query"]["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"]
OF_TROUBLE: Final = re.compile(r'result!~|code!~|outcome="(Failed|Retrying)"')
"""Queries for what a sound run has nothing of."""


def _as_grafana_asks(query: str) -> str:
    return query.replace("$__rate_interval", "5m").replace("$namespace", ".*").replace("$gateway", ".*")


def _rules() -> dict[str, Any]:
    rules = [{"record": f"panel:{n}", "expr": _as_grafana_asks(query)} for n, query in enumerate(QUERIES)]
    return {"groups": [{"name": "dashboard", "rules": rules}]}


@pytest.fixture(scope="module")
def grafana() -> Grafana:
    """Grafana's schema."""
    return Grafana.built()


def test_grafana_takes_every_field_of_it_and_misses_none(grafana: Grafana) -> None:
    assert grafana.problems_of(json.dumps(DASHBOARD)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ('"expr"', '"query"', "targets[0].expr: required field is missing"),
        ('"colorMode": "value"', '"colorMode": "value", "colour": "red"', "unexpected field 'colour'"),
        ('"schemaVersion": 39', '"schemaVersion": "39"', "schemaVersion: json: cannot unmarshal string"),
        ('"type": "stat"', '"type": "gauge"', 'panels[1].type: "gauge"'),
    ],
    ids=["a field that is missing", "one that it does not know", "one of another type", "a panel that nobody reads"],
)
def test_what_grafana_would_not_take_is_found(grafana: Grafana, right: str, wrong: str, says: str) -> None:
    text = json.dumps(DASHBOARD)

    assert any(says in line for line in grafana.problems_of(text.replace(right, wrong)))
    assert right in text


def test_prometheus_understands_every_query(promtool: Promtool, tmp_path: Path) -> None:
    assert len(QUERIES) > 30
    assert promtool.check(_rules(), tmp_path) == ""


def test_a_real_run_has_every_metric_that_a_panel_or_an_alert_asks_for(sound_run: Scraped) -> None:
    rules = [rule["expr"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    asked = {
        name for query in (*QUERIES, *VARIABLES, *rules) for name in re.findall(r"\b(?:herder|process)_\w+", query)
    }

    assert asked - sound_run.names == set()


def test_a_real_run_fills_every_panel_but_those_of_trouble(
    promtool: Promtool, sound_run: Scraped, tmp_path: Path
) -> None:
    asked = [_as_grafana_asks(query) for query in QUERIES if not OF_TROUBLE.search(query)]
    expected = [
        {
            "expr": f"max_over_time((count({query}) > bool 0)[12m:1m])",
            "eval_time": "12m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for query in asked
    ]

    assert len(asked) > 25
    assert promtool.play(ALERTS, sound_run.series(), expected, tmp_path) == ""


def test_panels_have_ids_and_places_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
