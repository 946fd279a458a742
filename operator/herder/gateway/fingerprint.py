"""What a replica was last told about a worker, in a form that a status can hold: `<replace>-<patch>`, two hashes.

No GET shows an API key or a patched health setting, so that what was sent is remembered and compared instead. The first
hash is of what only a PUT can bring about, the second of what a PATCH can: the two tell which of them a change needs.
"""

import hmac
import json
from collections.abc import Collection, Iterable
from typing import Final

from herder.gateway.spec import WorkerSpec

_CHARS: Final = 16
_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

READ_ONCE: Final = frozenset(
    {
        "constrained_decoding",
        "tool_parser",
        "reasoning_parser",
        "supports_vision",
        "realtime",
        "dp_size",
        "max_running_requests",
        "max_num_seqs",
        "context_length",
        "max_model_len",
        "model_path",
        "served_model_name",
        "tokenizer_path",
    }
)
"""Labels that the gateway acts on when it makes an entry: patched, they would be listed and mean nothing."""


def fingerprint(spec: WorkerSpec) -> str:
    """Return what differs whenever anything that is sent differs, the API key included.

    Equal specs have equal fingerprints in every process and on every machine. The API key is the second hash's own key
    (HMAC-SHA256), never part of a message, so that a fingerprint in a status gives it away no more than the key's own
    strength allows.
    """
    return f"{_replace_part(spec, spec.labels, has_key=spec.api_key is not None)}-{_patch_part(spec)}"


def patch_suffices(applied: str | None, spec: WorkerSpec, listed_labels: Collection[str]) -> bool:
    """Whether a PATCH turns what was told with the fingerprint `applied` into `spec`, for certain.

    A PATCH merges labels and can take nothing away. A label that was not sent before, and was not discovered either, is
    not listed yet: so the names that were sent are known, as long as nothing else was taken away.
    """
    told = (applied or "").partition("-")[0]
    known = [name for name in spec.labels if name in listed_labels or name in READ_ONCE]
    may_have_had_key = {False, spec.api_key is not None}
    return told in {
        _replace_part(spec, names, has_key=has_key) for names in (spec.labels, known) for has_key in may_have_had_key
    }


def _replace_part(spec: WorkerSpec, label_names: Iterable[str], *, has_key: bool) -> str:
    """Hash what a PATCH can't change, and the names of all that it can't take away."""
    body = spec.body()
    fixed = {name: body.get(name) for name in ("url", "worker_type", "runtime_type", "models", "bootstrap_port")}
    names = sorted(label_names)
    read_once = {name: spec.labels[name] for name in names if name in READ_ONCE}
    return _hashed(b"", [fixed, names, read_once, sorted(spec.health.body()), has_key])


def _patch_part(spec: WorkerSpec) -> str:
    body = spec.patch().body()
    key = body.pop("api_key", None)
    return _hashed(str(key or "").encode(), [key is not None, body])


def _hashed(key: bytes, value: object) -> str:
    return hmac.digest(key, _JSON.encode(value).encode(), "sha256").hex()[:_CHARS]
