"""Labels of a gateway's entry: the gateway's own limits, said before it can refuse them.

Source of the limits: smg 1.13.0 answers 400 to what breaks them; only the reserved prefix is herder's.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from herder.api.markers import Rule
from herder.api.meta import OWNED_LABEL_PREFIX

MAX_LABELS: Final = 126
"""The gateway takes 128, of which herder needs one for the owner and one for what stays when its resource goes."""
MAX_VALUE_LENGTH: Final = 4096
"""Bytes, not characters."""

_KEY: Final = "[!-~]{1,128}"
_VALUE: Final = r"[^\x00-\x1f\x7f]*"
_POSITIVE: Final = ("dp_size", "max_running_requests", "max_num_seqs")
_BOOLEAN: Final = ("supports_vision", "realtime")

_RESERVED_MESSAGE: Final = f"leave out labels that begin with {OWNED_LABEL_PREFIX}; they are herder's own"
_KEY_MESSAGE: Final = "write label keys of 1 to 128 printable ASCII characters without blanks"
_VALUE_MESSAGE: Final = f"write label values of at most {MAX_VALUE_LENGTH} bytes without control characters"
_POSITIVE_MESSAGE: Final = f"write a whole number above 0 in quotes for each of {', '.join(_POSITIVE)}"
_BOOLEAN_MESSAGE: Final = f'write "true" or "false" for each of {", ".join(_BOOLEAN)}'


def _check(labels: Mapping[str, str]) -> Mapping[str, str]:
    broken = (
        (_RESERVED_MESSAGE, any(key.startswith(OWNED_LABEL_PREFIX) for key in labels)),
        (_KEY_MESSAGE, not all(re.fullmatch(_KEY, key) for key in labels)),
        (_VALUE_MESSAGE, not all(map(_is_value, labels.values()))),
        (_POSITIVE_MESSAGE, not all(re.fullmatch("0*[1-9][0-9]*", labels.get(key, "1")) for key in _POSITIVE)),
        (_BOOLEAN_MESSAGE, not all(labels.get(key, "true") in ("true", "false") for key in _BOOLEAN)),
    )
    messages = [message for message, is_broken in broken if is_broken]
    if messages:
        raise ValueError("; ".join(messages))
    return labels


def _is_value(value: str) -> bool:
    return len(value.encode()) <= MAX_VALUE_LENGTH and re.fullmatch(_VALUE, value) is not None


Labels = Annotated[
    Mapping[str, Annotated[str, Field(max_length=MAX_VALUE_LENGTH)]],
    Field(max_length=MAX_LABELS),
    Rule(f"self.all(key, !key.startsWith('{OWNED_LABEL_PREFIX}'))", _RESERVED_MESSAGE),
    Rule(f"self.all(key, key.matches('^{_KEY}$'))", _KEY_MESSAGE),
    Rule(
        f"self.all(key, bytes(self[key]).size() <= {MAX_VALUE_LENGTH} && self[key].matches(r'^{_VALUE}$'))",
        _VALUE_MESSAGE,
    ),
    Rule(f"{list(_POSITIVE)}.all(key, !(key in self) || self[key].matches('^0*[1-9][0-9]*$'))", _POSITIVE_MESSAGE),
    Rule(f"{list(_BOOLEAN)}.all(key, !(key in self) || self[key] in ['true', 'false'])", _BOOLEAN_MESSAGE),
    AfterValidator(_check),
]
