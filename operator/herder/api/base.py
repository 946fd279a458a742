"""How a mapping from the API server becomes a frozen model, and what is said when it can't."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """A part of a resource: frozen, snake_case in Python and camelCase in a manifest.

    Unknown fields are ignored: a CRD newer than the operator must not stop it. Docstrings of models and attributes are
    written for users, because `kubectl explain` shows them.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    def dump(self) -> dict[str, Any]:
        """The JSON that the API server holds: camelCase, enums and times as strings, what is unset left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that can't be taken: its path as a user writes it, and what to write instead."""

    path: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.remedy}"


class InvalidResource(ValueError):
    """A resource that breaks its schema; `problems` has one entry a field, and the text never repeats a value."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


_REMEDIES: Final[Mapping[str, str]] = {
    "missing": "write it, the field is required",
    "enum": "write one of {expected}",
    "extra_forbidden": "remove it, there is no such field",
    "string_type": "write a string; a number goes in quotes",
    "string_too_short": "write at least {min_length} character(s)",
    "string_too_long": "write at most {max_length} characters",
    "too_short": "write at least {min_length} item(s)",
    "too_long": "write at most {max_length} items",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "greater_than_equal": "write {ge} or more",
    "less_than_equal": "write {le} or less",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "model_type": "write a mapping",
    "mapping_type": "write a mapping",
    "tuple_type": "write a list",
    "value_error": "{error}",
}


def parse[M: ApiModel](
    model: type[M],
    mapping: Mapping[str, Any],
    *,
    at: str = "spec",
    unknown: Literal["ignore", "forbid"] = "ignore",
) -> M:
    """`mapping`, what the resource holds under `at`, as a `model`.

    Raises InvalidResource with every field that is wrong, by its path (`spec.health.timeoutSeconds`); with
    `unknown="forbid"` also for fields that the model does not know.
    """
    try:
        return model.model_validate(dict(mapping), extra=unknown)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems = tuple(Problem(_path(at, d["loc"]), _remedy(d["type"], d["msg"], d.get("ctx", {}))) for d in details)
        raise InvalidResource(problems) from None


def _path(root: str, location: tuple[int | str, ...]) -> str:
    return root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _remedy(kind: str, message: str, context: Mapping[str, Any]) -> str:
    template = _REMEDIES.get(kind)
    return template.format_map(context) if template else message
