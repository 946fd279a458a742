"""Labels of a gateway's entry: the gateway's own limits, said before it can refuse them.

Source of the limits: smg 1.13.0 answers 400 to what breaks them; only the reserved prefix is herder's.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from herder.api.markers import Rule
from herder.api.meta import OWNED_LABEL_PREFIX
from herder.net.text import untrusted

MAX_LABELS: Final = 126
"""The gateway takes 128, of which herder needs one for the owner and one for what stays when its resource goes."""
MAX_VALUE_LENGTH: Final = 4096
"""Bytes, not characters."""

_KEY: Final = "[!-~]{1,128}"
_VALUE: Final = r"[^\x00-\x1f\x7f]*"
_POSITIVE: Final = ("dp_size", "max_running_requests", "max_num_seqs")
_BOOLEAN: Final = ("supports_vision", "realtime")

_RESERVED: Final = f"leave it out: what begins with {OWNED_LABEL_PREFIX} is herder's own"
_KEY_FORM: Final = "write a key of 1 to 128 printable ASCII characters without blanks"
_VALUE_FORM: Final = f"write a value of at most {MAX_VALUE_LENGTH} bytes without control characters"
_COUNT: Final = "write a whole number above 0, in quotes"
_TRUTH: Final = 'write "true" or "false", in quotes'


@dataclass(frozen=True, slots=True)
class _LabelRule:
    """What a label must be; `broken_by` is CEL for whether the label `key` of `self` is not."""

    remedy: str
    broken_by: str
    is_broken: Callable[[str, str], bool]

    def as_cel(self) -> Rule:
        """The same for the API server."""
        key = f"self.filter(key, {self.broken_by})[0]"
        telling = f'"label \'" + {key} + {json.dumps(f"': {self.remedy}")}'
        return Rule(f"!self.exists(key, {self.broken_by})", self.remedy, telling=telling)


def _is_value(value: str) -> bool:
    return len(value.encode()) <= MAX_VALUE_LENGTH and re.fullmatch(_VALUE, value) is not None


_RULES: Final = (
    _LabelRule(_RESERVED, f"key.startsWith('{OWNED_LABEL_PREFIX}')", lambda key, _: key.startswith(OWNED_LABEL_PREFIX)),
    _LabelRule(_KEY_FORM, f"!key.matches('^{_KEY}$')", lambda key, _: re.fullmatch(_KEY, key) is None),
    _LabelRule(
        _VALUE_FORM,
        f"bytes(self[key]).size() > {MAX_VALUE_LENGTH} || !self[key].matches(r'^{_VALUE}$')",
        lambda _, value: not _is_value(value),
    ),
    _LabelRule(
        _COUNT,
        f"key in {list(_POSITIVE)} && !self[key].matches('^0*[1-9][0-9]*$')",
        lambda key, value: key in _POSITIVE and re.fullmatch("0*[1-9][0-9]*", value) is None,
    ),
    _LabelRule(
        _TRUTH,
        f"key in {list(_BOOLEAN)} && !(self[key] in ['true', 'false'])",
        lambda key, value: key in _BOOLEAN and value not in {"true", "false"},
    ),
)


def _check(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Raise ValueError with a line for each rule that is broken, which names the first label that breaks it."""
    lines = []
    for rule in _RULES:
        key = next((key for key, value in labels.items() if rule.is_broken(key, value)), None)
        if key is not None:
            lines.append(f"label '{untrusted(key)}': {rule.remedy}")
    if lines:
        raise ValueError("; ".join(lines))
    return labels


Labels = Annotated[
    Mapping[str, Annotated[str, Field(max_length=MAX_VALUE_LENGTH)]],
    Field(max_length=MAX_LABELS),
    *(rule.as_cel() for rule in _RULES),
    AfterValidator(_check),
]
