"""From pydantic's JSON schema to what Kubernetes calls a structural one.

pydantic speaks JSON Schema 2020-12; a structural schema knows no `$ref`, no `anyOf` that types a field and no `const`.
Rewritten here:

    $ref          the definition itself, under what stands beside the $ref
    X | null      X, not required and without a default
    const         an enum of one
    title         nothing
    default       kept in a spec, without what is null; left out in a status. An object's is written in full: the API
                  server holds rules against a default as it stands, before the fields of it fill in their own
    integer       with format int64
    int | str     x-kubernetes-int-or-string, where the field is marked so (see markers.IntOrString)

Anything else that is not known to be structural is an error here, not in the API server that reads the result.
Source: kubernetes.io, "Extend the Kubernetes API with CustomResourceDefinitions", structural schemas.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from herder.api.markers import INT_OR_STRING

type Schema = dict[str, Any]

_KEPT: Final = frozenset(
    {
        "type", "format", "enum", "description",
        "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties",
        "required", INT_OR_STRING, "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    }
)  # fmt: skip
_ORDER: Final = ("description", "type", "format", "enum", "default")


class Unstructural(TypeError):
    """A model says something that a structural schema can't."""


def structural(model: type[BaseModel], *, defaults: bool) -> Schema:
    """The structural schema of `model`, with its defaults or without. Raises Unstructural."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _Rewriter(schema.pop("$defs", {}), defaults).rewrite(schema)


class _Rewriter:
    """Rewrites the schemas of one document, whose definitions it knows."""

    def __init__(self, definitions: Mapping[str, Schema], defaults: bool) -> None:
        self._definitions = definitions
        self._defaults = defaults

    def rewrite(self, schema: Schema) -> Schema:
        """`schema` and all below it, in structural form; the argument stays as it is."""
        flat = self._flatten(schema)
        done: Schema = {key: value for key, value in flat.items() if key in _KEPT}
        if "properties" in flat:
            done["properties"] = {name: self.rewrite(below) for name, below in flat["properties"].items()}
        for key in ("items", "additionalProperties"):
            if key in flat:
                done[key] = self.rewrite(flat[key])
        if self._defaults and flat.get("default") is not None:
            done["default"] = _set(flat["default"])
        if done.get("type") == "integer":
            done["format"] = "int64"
        self._refuse(flat, done)
        return {key: done[key] for key in (*(k for k in _ORDER if k in done), *(k for k in done if k not in _ORDER))}

    def _flatten(self, schema: Schema) -> Schema:
        """`schema` without indirections, of which what stands nearest to the field wins."""
        flat = dict(schema)
        while "$ref" in flat:
            flat = self._definitions[flat.pop("$ref").removeprefix("#/$defs/")] | flat
        if "anyOf" in flat:
            flat = self._flatten(_without_null(flat.pop("anyOf"))) | flat
        if "const" in flat:
            flat["enum"] = [flat.pop("const")]
        flat.pop("title", None)
        return flat

    def _refuse(self, flat: Schema, done: Schema) -> None:
        unknown = flat.keys() - done.keys() - {"default"}
        if unknown or not done.keys() & {"type", INT_OR_STRING}:
            raise Unstructural(f"{sorted(unknown) or 'a schema without a type'} in {flat}")


def _set(default: Any) -> Any:
    """A default without the fields of it that are unset."""
    return (
        {key: _set(below) for key, below in default.items() if below is not None}
        if isinstance(default, dict)
        else default
    )


def _without_null(choices: list[Schema]) -> Schema:
    real = [choice for choice in choices if choice != {"type": "null"}]
    if len(real) != 1:
        raise Unstructural(f"a choice of types: {real}")
    return real[0]
