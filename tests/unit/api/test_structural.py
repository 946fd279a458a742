"""pydantic's JSON schema becomes a structural one, or the renderer says why not."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from herder.api.base import ApiModel
from herder.api.crd.structural import Unstructural, structural
from herder.api.markers import Clip, IntOrString, MapBy, Pattern, Rule


class Colour(StrEnum):
    """A colour."""

    RED = "Red"


class Inner(ApiModel):
    """A part."""

    how_many: int = 1
    """How many."""

    unset: int | None = None


class Outer(ApiModel):
    """The whole."""

    needed: str
    inner: Inner = Inner()
    """The part of it."""
    other: Inner | None = None
    """Another part."""
    colour: Colour = Colour.RED
    one: Literal["One"] = "One"
    many: Annotated[tuple[Inner, ...], Field(max_length=3), MapBy("howMany")] = ()
    labels: Annotated[Mapping[str, str], Field(max_length=2)] = Field(default={})
    ruled: Annotated[str, Rule("self != ''", "write something"), Rule("self != 'x'", "write no x")] = "y"
    matched: Annotated[str, Pattern("[a-z]+", "write lower-case letters")] | None = None
    clipped: Annotated[str, Clip(8)] | None = None
    port: Annotated[int | str, IntOrString(), Rule("self != 0", "write a port")] | None = None


INNER = {
    "description": "A part.",
    "type": "object",
    "properties": {
        "howMany": {"description": "How many.", "type": "integer", "format": "int64", "default": 1},
        "unset": {"type": "integer", "format": "int64"},
    },
}

PROPERTIES: dict[str, dict[str, Any]] = {
    "needed": {"type": "string"},
    "inner": {**INNER, "description": "The part of it.", "default": {"howMany": 1}},
    "other": {**INNER, "description": "Another part."},
    "colour": {"description": "A colour.", "type": "string", "enum": ["Red"], "default": "Red"},
    "one": {"type": "string", "enum": ["One"], "default": "One"},
    "many": {
        "type": "array",
        "default": [],
        "maxItems": 3,
        "items": INNER,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["howMany"],
    },
    "labels": {"type": "object", "default": {}, "maxProperties": 2, "additionalProperties": {"type": "string"}},
    "ruled": {
        "type": "string",
        "default": "y",
        "x-kubernetes-validations": [
            {"rule": "self != ''", "message": "write something"},
            {"rule": "self != 'x'", "message": "write no x"},
        ],
    },
    "matched": {
        "type": "string",
        "x-kubernetes-validations": [
            {"rule": 'self.matches(r"^(?:[a-z]+)$")', "message": "write lower-case letters"},
        ],
    },
    "clipped": {"type": "string", "maxLength": 8},
    "port": {
        "x-kubernetes-int-or-string": True,
        "x-kubernetes-validations": [{"rule": "self != 0", "message": "write a port"}],
    },
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_becomes_structural(name: str) -> None:
    assert structural(Outer, defaults=True)["properties"][name] == PROPERTIES[name]


def test_the_whole_names_what_it_needs() -> None:
    schema = structural(Outer, defaults=True)

    assert (schema["type"], schema["description"], schema["required"]) == ("object", "The whole.", ["needed"])
    assert list(schema["properties"]) == list(PROPERTIES)


def test_a_status_has_no_defaults() -> None:
    assert "default" not in str(structural(Outer, defaults=False))


class EitherWay(ApiModel):
    """Two types at once."""

    value: int | str


class Excluding(ApiModel):
    """A keyword that Kubernetes spells otherwise."""

    value: Annotated[int, Field(gt=0)]


class Anything(ApiModel):
    """No type at all."""

    value: Any


@pytest.mark.parametrize("model", [EitherWay, Excluding, Anything], ids=["choice", "exclusiveMinimum", "no type"])
def test_what_can_not_be_structural_is_refused(model: type[ApiModel]) -> None:
    with pytest.raises(Unstructural):
        structural(model, defaults=True)
