"""The rendered CRDs: fresh, bounded everywhere, explained everywhere, and shown well by kubectl."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from herder.api.crd.catalog import DEFINITIONS, Definition
from herder.api.crd.files import render_all, stale, write
from herder.api.crd.render import render
from herder.api.meta import WORKER_REGISTRATION
from herder.cli.crds import crds

CRDS = Path(__file__).parents[3] / "crds"
WORKER = next(each for each in DEFINITIONS if each.kind is WORKER_REGISTRATION)

_OTHERS = ("properties", "maxProperties", "type", "x-kubernetes-int-or-string")
"""What bounds what is neither a text nor a list."""

each_definition = pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda each: each.kind.kind)


def _version(definition: Definition) -> dict[str, Any]:
    version: dict[str, Any] = render(definition)["spec"]["versions"][0]
    return version


def _fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from _fields(below, f"{path}.{name}")
    for key, suffix in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from _fields(schema[key], path + suffix)


def _own_fields(definition: Definition) -> list[tuple[str, dict[str, Any]]]:
    properties = _version(definition)["schema"]["openAPIV3Schema"]["properties"]
    return [field for part in ("spec", "status") for field in _fields(properties[part], f".{part}")]


def test_the_files_in_crds_are_fresh() -> None:
    assert stale(CRDS) == [], "run `make generate`"


@each_definition
def test_every_text_list_and_map_has_a_limit(definition: Definition) -> None:
    limits = {"string": ("maxLength", "enum", "format"), "array": ("maxItems",)}

    unlimited = [
        path
        for path, schema in _own_fields(definition)
        if not any(limit in schema for limit in limits.get(schema.get("type", ""), _OTHERS))
    ]

    assert unlimited == []


@each_definition
def test_every_field_is_explained(definition: Definition) -> None:
    silent = [path for path, schema in _own_fields(definition) if path[-1] not in "]}" and "description" not in schema]

    assert silent == []


@each_definition
def test_every_rule_says_what_to_write(definition: Definition) -> None:
    messages = [
        rule["message"] for _, schema in _own_fields(definition) for rule in schema.get("x-kubernetes-validations", [])
    ]

    assert messages
    assert [
        text for text in messages if text.split()[0] not in {"write", "leave", "start", "keep", "name", "make"}
    ] == []


@pytest.mark.parametrize(
    ("path", "key"), [("conditions", "type"), ("replicas", "endpoint"), ("workflow.steps", "name")], ids=str
)
def test_a_list_of_named_things_is_merged_as_a_map(path: str, key: str) -> None:
    schema = dict(_own_fields(WORKER))[f".status.{path}"]

    assert (schema["x-kubernetes-list-type"], schema["x-kubernetes-list-map-keys"]) == ("map", [key])


@each_definition
def test_a_kind_has_its_short_name_category_and_status_subresource(definition: Definition) -> None:
    names = render(definition)["spec"]["names"]

    assert (names["shortNames"], names["categories"]) == ([definition.kind.short], ["herder"])
    assert _version(definition)["subresources"] == {"status": {}}


def test_the_columns_of_a_worker_are_shown_in_order() -> None:
    columns = [(each["name"], each.get("priority", 0)) for each in _version(WORKER)["additionalPrinterColumns"]]

    assert columns == [
        ("Ready", 0), ("Step", 0), ("Registered", 0), ("URL", 0), ("Model", 0), ("Reason", 1), ("Age", 0),
    ]  # fmt: skip


def test_workers_can_be_selected_by_gateway_and_url() -> None:
    assert _version(WORKER)["selectableFields"] == [{"jsonPath": ".spec.gatewayRef.name"}, {"jsonPath": ".spec.url"}]


def test_the_yaml_reads_back_as_what_was_rendered() -> None:
    assert [yaml.safe_load(text) for text in render_all().values()] == [render(each) for each in DEFINITIONS]
    assert not [text for text in render_all().values() if "&id" in text]


def test_writing_makes_a_folder_fresh_and_then_changes_nothing(tmp_path: Path) -> None:
    first, second = write(tmp_path / "crds"), write(tmp_path / "crds")

    assert (first, second) == (sorted(render_all()), [])


def test_a_changed_a_missing_and_a_foreign_file_are_stale(tmp_path: Path) -> None:
    write(tmp_path)
    changed, missing, *_ = sorted(render_all())
    (tmp_path / changed).write_text("kind: Nothing\n")
    (tmp_path / missing).unlink()
    (tmp_path / "herder.dev_old.yaml").write_text("kind: Nothing\n")

    assert stale(tmp_path) == [changed, missing, "herder.dev_old.yaml"]
    assert write(tmp_path) == [changed, missing, "herder.dev_old.yaml"]
    assert stale(tmp_path) == []


def test_the_command_writes_and_then_finds_all_fresh(tmp_path: Path) -> None:
    written = CliRunner().invoke(crds, ["--folder", str(tmp_path)])
    checked = CliRunner().invoke(crds, ["--check", "--folder", str(tmp_path)])

    assert [Path(line).name for line in written.output.split()] == sorted(render_all())
    assert (checked.exit_code, checked.output) == (0, "")


def test_what_is_not_herders_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "deployment.yaml").write_text("kind: Deployment\n")

    write(tmp_path)

    assert stale(tmp_path) == []
    assert (tmp_path / "deployment.yaml").read_text() == "kind: Deployment\n"


def test_the_command_says_so_where_there_is_no_folder_to_check(tmp_path: Path) -> None:
    checked = CliRunner().invoke(crds, ["--check", "--folder", str(tmp_path / "none")])

    assert checked.exit_code == 1
    assert "none here to check: name it with --folder" in checked.output


def test_the_command_fails_for_a_stale_file_and_leaves_it(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "herder.dev_old.yaml").write_text("kind: Nothing\n")

    checked = CliRunner().invoke(crds, ["--check", "--folder", str(tmp_path)])

    assert checked.exit_code == 1
    assert f"herder.dev_old.yaml; run `herder crds --folder {tmp_path}`" in checked.output
    assert (tmp_path / "herder.dev_old.yaml").exists()
