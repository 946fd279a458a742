"""Files on the replicas' own disks: which paths a resource may name.

The gateway itself refuses modules from the system's folders and paths with `..`, but reads tokenizers from anywhere
(measured on smg 1.13.0); here one rule holds for both.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from herder.api.markers import Pattern, Rule

MAX_PATH_LENGTH: Final = 4096

_SYSTEM: Final = r"^/+(etc|proc|sys|dev|boot|root|var/+log|var/+run)(/|$)"
_SYSTEM_MESSAGE: Final = (
    "name a file outside of /etc, /proc, /sys, /dev, /boot, /root, /var/log and /var/run, "
    "best on a volume of its own such as /srv/models"
)
_DOTS: Final = r"(^|/)\.\.?(/|$)"
_DOTS_MESSAGE: Final = "write the path without . and .. as parts of it"
_ENCODED: Final = "%(00|2[eEfF]|5[cC])"
_ENCODED_MESSAGE: Final = "write the path as it is on the disk, not percent-encoded"
_RULES: Final = ((_SYSTEM, _SYSTEM_MESSAGE), (_DOTS, _DOTS_MESSAGE), (_ENCODED, _ENCODED_MESSAGE))


def check_path(path: str) -> str:
    """Return `path`; raise ValueError, with what to write instead, for one that no replica should read."""
    for pattern, message in _RULES:
        if re.search(pattern, path):
            raise ValueError(message)
    return path


PATH_RULES: Final = (
    *(Rule(f"!self.startsWith('/') || !self.matches(r'{pattern}')", message) for pattern, message in _RULES),
    AfterValidator(check_path),
)
"""What goes into the annotation of a text that is, or may be, a path; of one that is not absolute its pattern tells."""

ReplicaPath = Annotated[
    str,
    Field(max_length=MAX_PATH_LENGTH),
    Pattern("/[!-~]+", "write an absolute path in printable ASCII without blanks, such as /srv/models/chat.jinja"),
    *PATH_RULES,
]
"""Any file or folder."""

ModulePath = Annotated[
    str,
    Field(max_length=MAX_PATH_LENGTH),
    Pattern(
        r"/[!-~]*\.wasm",
        "write an absolute path that ends in .wasm, in printable ASCII without blanks, such as /srv/modules/a.wasm",
    ),
    *PATH_RULES,
]
"""A WebAssembly file; the gateway goes by the ending."""
