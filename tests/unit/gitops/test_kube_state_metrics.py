"""What kube-state-metrics is told: every path leads somewhere in the CRDs, to what its metric can hold."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pytest
import yaml

from herder.api.conditions import Truth
from herder.api.meta import GROUP, VERSION
from unit.gitops.states import KINDS
from unit.packaging.dockerfile import ROOT

VALUES: Mapping[str, Any] = yaml.safe_load((ROOT / "gitops" / "kube-state-metrics" / "values.yaml").read_text())
CONFIG: Mapping[str, Any] = VALUES["customResourceState"]["config"]
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    each["groupVersionKind"]["kind"]: each for each in CONFIG["spec"]["resources"]
}
METADATA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "namespace": {"type": "string"},
        "generation": {"type": "integer"},
        "deletionTimestamp": {"type": "string", "format": "date-time"},
    },
}
NUMERIC = ({"type": "integer"}, {"type": "boolean"}, {"type": "string", "format": "date-time"})
TELLING = re.compile(r"url|endpoint|message|secret|source|path", re.IGNORECASE)
type Schema = Mapping[str, Any]


@cache
def schema_of(kind: str) -> Schema:
    """The schema of a kind's objects."""
    [plural] = [each.plural for each in KINDS if each.kind == kind]
    crd = yaml.safe_load((ROOT / "crds" / f"{GROUP}_{plural}.yaml").read_text())
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return {**schema, "properties": {**schema["properties"], "metadata": METADATA}}


def at(schema: Schema, path: Sequence[str]) -> Schema:
    """The schema that a path leads to; `[key=value]` picks an item of a list. Raises KeyError where there is none."""
    for part in path:
        lookup = re.fullmatch(r"\[(\w+)=\w+\]", part)
        if lookup:
            schema = schema["items"]
            schema["properties"][lookup[1]]
        else:
            schema = schema["properties"][part]
    return schema


def is_numeric(schema: Schema) -> bool:
    """Whether kube-state-metrics can make a number of it."""
    return any(schema.items() >= kind.items() for kind in NUMERIC)


def _metrics() -> Iterator[Any]:
    for kind, resource in RESOURCES.items():
        for metric in resource["metrics"]:
            yield pytest.param(kind, metric["each"], id=f"{kind} {metric['name']}")


every_metric = pytest.mark.parametrize(("kind", "each"), list(_metrics()))


def _body(each: Mapping[str, Any]) -> Mapping[str, Any]:
    [(_, body)] = [(key, body) for key, body in each.items() if key != "type"]
    return dict(body)


def test_every_kind_is_told_of_once_and_may_be_read() -> None:
    versions = {(each["groupVersionKind"]["group"], each["groupVersionKind"]["version"]) for each in RESOURCES.values()}
    [plurals] = [rule["resources"] for rule in VALUES["rbac"]["extraRules"] if rule["apiGroups"] == [GROUP]]

    assert CONFIG["kind"] == "CustomResourceStateMetrics"
    assert len(CONFIG["spec"]["resources"]) == len(RESOURCES)
    assert set(RESOURCES) == {kind.kind for kind in KINDS}
    assert versions == {(GROUP, VERSION)}
    assert set(plurals) == {kind.plural for kind in KINDS}


@every_metric
def test_each_path_leads_to_what_the_metric_can_hold(kind: str, each: Mapping[str, Any]) -> None:
    body = _body(each)
    found = at(schema_of(kind), body.get("path", ()))
    element = found.get("items", found)
    value = at(element, body.get("valueFrom", ()))

    match each["type"]:
        case "Gauge" if "labelFromKey" in body:
            assert all(is_numeric(schema) for schema in value["properties"].values())
        case "Gauge":
            assert is_numeric(value)
        case "StateSet":
            assert set(body["list"]) == set(value["enum"]) == set(Truth)
        case "Info":
            assert body["labelsFromPath"]


@every_metric
def test_each_label_is_one_word_of_the_object(kind: str, each: Mapping[str, Any]) -> None:
    body = _body(each)
    found = at(schema_of(kind), body.get("path", ()))
    labels = [at(found.get("items", found), path) for path in body.get("labelsFromPath", {}).values()]
    names = [at(schema_of(kind), path) for path in RESOURCES[kind]["labelsFromPath"].values()]

    assert {schema["type"] for schema in (*labels, *names)} == {"string"}


@every_metric
def test_no_label_holds_an_address_or_a_text(kind: str, each: Mapping[str, Any]) -> None:
    paths = [*_body(each).get("labelsFromPath", {}).values(), *RESOURCES[kind]["labelsFromPath"].values()]

    assert [path for path in paths if any(TELLING.search(part) for part in path)] == []
