"""docs/resources.md has every field, with the default that the model has, and what the README shows can be declared."""

import json
import re
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from herder.api.base import parse
from herder.api.crd.catalog import DEFINITIONS
from herder.api.meta import ADOPT_ANNOTATION, CANCEL_ANNOTATION, FINALIZER, RETRY_ANNOTATION
from unit.packaging.dockerfile import ROOT

README = (ROOT / "README.md").read_text()
RESOURCES = (ROOT / "docs" / "resources.md").read_text()
SPECS = {each.kind.kind: each.spec for each in DEFINITIONS}


def rows_of(kind: str) -> dict[str, str]:
    """The default cell of each field's row in the table of a kind."""
    _, _, rest = RESOURCES.partition(f"## {kind} ")
    section = rest.partition("\n#")[0]
    return dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|", section, re.MULTILINE))


def field_at(model: type[BaseModel], path: str) -> FieldInfo:
    """The field that a path in camelCase leads to."""
    name, _, rest = path.partition(".")
    by_alias = {field.alias or name: field for name, field in model.model_fields.items()}
    field = by_alias[name]
    return field_at(model_in(field), rest) if rest else field


def model_in(field: FieldInfo) -> type[BaseModel]:
    """The model that a field holds, whether it may be absent or not."""
    choices = [field.annotation, *getattr(field.annotation, "__args__", ())]
    [model] = [each for each in choices if isinstance(each, type) and issubclass(each, BaseModel)]
    return model


def _defaults() -> list[Any]:
    return [
        pytest.param(kind, path, cell, id=f"{kind}.{path}")
        for kind in SPECS
        for path, cell in rows_of(kind).items()
        if cell.startswith("`")
    ]


@pytest.mark.parametrize("kind", SPECS)
def test_every_field_has_its_row(kind: str) -> None:
    fields = {field.alias or name for name, field in SPECS[kind].model_fields.items()}

    assert {path.partition(".")[0] for path in rows_of(kind)} == fields


@pytest.mark.parametrize(("kind", "path", "cell"), _defaults())
def test_a_default_is_the_models_own(kind: str, path: str, cell: str) -> None:
    default = field_at(SPECS[kind], path).get_default(call_default_factory=True)

    assert cell.strip("`").strip('"') == json.dumps(default).strip('"')


@pytest.mark.parametrize("word", [FINALIZER, RETRY_ANNOTATION, CANCEL_ANNOTATION, ADOPT_ANNOTATION])
def test_what_people_type_is_spelled_as_herder_reads_it(word: str) -> None:
    assert word in RESOURCES


def test_what_is_shown_to_be_declared_can_be() -> None:
    [shown] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    resources = list(yaml.safe_load_all(shown))

    for resource in resources:
        parse(SPECS[resource["kind"]], resource["spec"], unknown="forbid")

    assert {resource["kind"] for resource in resources} == set(SPECS)
