"""The field types and references that several kinds share."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from herder.api.base import ApiModel
from herder.api.markers import Pattern, Rule
from herder.net.urls import HTTP_SCHEMES, UrlRule, normalise_url, url_rules

MAX_URL_LENGTH: Final = 2048
"""Bytes; the gateway refuses a longer one (measured on smg 1.13.0)."""


def _as_cel(rule: UrlRule) -> Rule:
    excused = "".join(f"!{_holds(other)} || " for other in rule.supposes)
    return Rule(f"{excused}{_holds(rule)}", rule.remedy)


def _holds(rule: UrlRule) -> str:
    matches = f'self.matches(r"{rule.pattern}")'
    return matches if rule.allowed else f"(!{matches})"


WorkerUrl = Annotated[str, Field(max_length=MAX_URL_LENGTH), *map(_as_cel, url_rules()), AfterValidator(normalise_url)]
"""A worker's URL; normalised when parsed."""

HttpUrl = Annotated[
    str,
    Field(max_length=MAX_URL_LENGTH),
    *map(_as_cel, url_rules(HTTP_SCHEMES)),
    AfterValidator(lambda url: normalise_url(url, HTTP_SCHEMES)),
]
"""A gateway's URL; normalised when parsed."""

ObjectName = Annotated[
    str,
    Field(max_length=253),
    Pattern(
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "write the name of an object in this namespace: lower-case letters, digits, '-' and '.'",
    ),
]
"""The name of another object in the same namespace (a DNS subdomain)."""

SecretKey = Annotated[
    str,
    Field(max_length=253),
    Pattern(r"[-._a-zA-Z0-9]+", "write a key of the Secret's data: letters, digits, '-', '_' and '.'"),
]


class GatewayRef(ApiModel):
    """A ModelGateway in the same namespace."""

    name: ObjectName
    """Name of the ModelGateway."""


class SecretKeyRef(ApiModel):
    """One key of a Secret in the same namespace. Its value is read when needed and never copied into a resource."""

    name: ObjectName
    """Name of the Secret."""

    key: SecretKey
    """Key in the Secret's data that holds the value."""
