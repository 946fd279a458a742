"""What a field's annotation can say beside its type, so that a rule stands next to the field that it guards.

A marker speaks to both sides: to pydantic, which parses, and to the API server, which admits. `Rule` alone is for the
API server only; the field or model that carries it states the same in a validator.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

VALIDATIONS: Final = "x-kubernetes-validations"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL rule over `self` and the API server's message for it; `field_path` moves the blame to a field below.

    `telling` is CEL for a message that names what breaks it. `message` stands in where that comes to nothing: where it
    would be too long, or break lines.
    """

    cel: str
    message: str
    field_path: str | None = None
    telling: str | None = None

    def rendered(self) -> dict[str, str]:
        """The entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message}
        moved = {"fieldPath": self.field_path} if self.field_path else {}
        return entry | moved | ({"messageExpression": self.telling} if self.telling else {})

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        schema[VALIDATIONS] = [*schema.get(VALIDATIONS, ()), self.rendered()]
        return schema


def rules(*of: Rule) -> dict[str, Any]:
    """`json_schema_extra` of a model that carries rules over several of its fields."""
    return {VALIDATIONS: [rule.rendered() for rule in of]}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A string that `pattern` matches from end to end; `message` says what to write instead.

    `re` and RE2 must read the pattern alike, and it must do without double quotes, because CEL quotes it with them.
    """

    pattern: str
    message: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        rule = Rule(f'self.matches(r"^(?:{self.pattern})$")', self.message)
        return rule.__get_pydantic_json_schema__(core, handler)

    def _check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(self.message)
        return text


@dataclass(frozen=True, slots=True)
class IntOrString:
    """A field that holds a whole number or a text, as Kubernetes' own ports do."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {INT_OR_STRING: True}


@dataclass(frozen=True, slots=True)
class Clip:
    """A text or list that herder itself writes: cut to `limit`, not refused, so that a status is always taken."""

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._cut, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        schema["maxLength" if schema.get("type") == "string" else "maxItems"] = self.limit
        return schema

    def _cut(self, value: object) -> object:
        if isinstance(value, str):
            return value if len(value) <= self.limit else f"{value[: self.limit - 1]}…"
        return value[: self.limit] if isinstance(value, Sequence) and len(value) > self.limit else value


@dataclass(frozen=True, slots=True)
class MapBy:
    """A list that Kubernetes merges as a map with `key`."""

    key: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(core) | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}


def _truncate(unit_us: int) -> AfterValidator:
    def truncate(moment: datetime) -> datetime:
        moment = moment.astimezone(UTC)
        rest_us = moment.microsecond % unit_us
        return moment.replace(microsecond=moment.microsecond - rest_us) if rest_us else moment

    return AfterValidator(truncate)


Second = Annotated[AwareDatetime, _truncate(1_000_000)]
"""A moment to the second, as Kubernetes shows its own. Cut when parsed, so that what was written reads back equal."""

Millisecond = Annotated[AwareDatetime, _truncate(1_000)]
"""A moment to the millisecond, for steps, which are often shorter than a second."""
