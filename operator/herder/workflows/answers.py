"""What of a worker's own words a status can hold, and what is said when it does not take the key."""

from typing import Final

from herder.net.text import untrusted

_MAX_COUNT: Final = 2**31 - 1


def shown_line(value: object, api_key: str | None) -> str | None:
    """Return a text as a status can show it, without the key that it may repeat; None for anything else."""
    return untrusted(value, secrets=(api_key or "",)) if isinstance(value, str) else None


def model_id(value: object) -> str | None:
    """Return the id of a model; None for one that no status could show as it is."""
    return value if isinstance(value, str) and value and value.isprintable() else None


def count(value: object) -> int | None:
    """Return a number of things that a status can hold, None for anything else that a worker may say."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 1 <= value <= _MAX_COUNT else None


def key_remedy(*, has_key: bool) -> str:
    """Say what to do about a worker that refuses, with or without a key."""
    if has_key:
        return "it does not accept the key in the Secret that spec.apiKeySecretRef names: correct the Secret"
    return "it asks for an API key: put the key into a Secret and name that in spec.apiKeySecretRef"
