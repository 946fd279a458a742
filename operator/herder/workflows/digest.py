"""A short hash of what is declared: the same in every process and on every machine."""

import hashlib
import json
from typing import Final

_CHARS: Final = 32


def digest(*parts: object) -> str:
    """Return what differs whenever the parts, which JSON can hold, differ."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_CHARS]
