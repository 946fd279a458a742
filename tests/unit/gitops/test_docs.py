"""docs/gitops.md names what there is: files, metrics, actions."""

import re
from typing import Any

import pytest
import yaml

from unit.packaging.dockerfile import ROOT

GUIDE = (ROOT / "docs" / "gitops.md").read_text()


def _metrics() -> set[str]:
    values: dict[str, Any] = yaml.safe_load((ROOT / "gitops" / "kube-state-metrics" / "values.yaml").read_text())
    resources = values["customResourceState"]["config"]["spec"]["resources"]
    return {f"{each['metricNamePrefix']}_{metric['name']}" for each in resources for metric in each["metrics"]}


def test_each_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"gitops/[\w./-]+", GUIDE))

    assert [name for name in named if not (ROOT / name).exists()] == []
    assert len(named) >= 3


def test_each_metric_has_its_row_and_no_other_is_named() -> None:
    assert set(re.findall(r"`(herder_resource_\w+)", GUIDE)) == _metrics()


@pytest.mark.parametrize("action", ["retry", "suspend", "resume"])
def test_each_action_has_its_row(action: str) -> None:
    data: dict[str, str] = yaml.safe_load((ROOT / "gitops" / "argocd" / "argocd-cm.yaml").read_text())["data"]
    definitions = [yaml.safe_load(text)["definitions"] for key, text in data.items() if ".actions." in key]

    assert {each["name"] for kind in definitions for each in kind} == {"retry", "suspend", "resume"}
    assert re.search(rf"^\|.*`{action}`", GUIDE, re.MULTILINE)
