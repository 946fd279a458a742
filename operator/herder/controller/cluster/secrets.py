"""The content of Secrets: read by name, never listed or watched, kept for a moment, shown to nobody."""

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from herder.api.fields import SecretKeyRef
from herder.controller.cluster.kube import Kube, Learn, NotFound, Rejected, not_learnt
from herder.gateway.shared_read import SharedRead

FRESH_S: Final = 10.0
"""How long a content that was read is good; a rotated key is noticed that much later at most."""


class SecretMissing(Exception):
    """The Secret, or the key in it, does not exist or is kept from herder; the message names it and says what to do."""


class Secrets:
    """Reads single keys of Secrets. Raises SecretMissing, or KubeError where the API server can't tell.

    `learn` is told each value before anybody gets it.
    """

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.monotonic, learn: Learn = not_learnt) -> None:
        self._kube = kube
        self._learn = learn
        self._clock = clock
        self._read: dict[tuple[str, str], tuple[float, dict[str, str]]] = {}
        self._under_way: WeakValueDictionary[tuple[str, str], SharedRead[dict[str, str]]] = WeakValueDictionary()

    async def get(self, namespace: str, ref: SecretKeyRef, *, field: str, fresh_s: float = FRESH_S) -> str:
        """Return the text that `ref`, found in the field named `field`, points to, at most `fresh_s` seconds old."""
        data = await self._data(namespace, ref.name, field, fresh_s)
        if ref.key not in data:
            raise SecretMissing(f"Secret {namespace}/{ref.name}, named by {field}, has no key {ref.key!r}: add it")
        try:
            value = base64.b64decode(data[ref.key], validate=True).decode().strip()
        except (binascii.Error, UnicodeDecodeError):
            raise SecretMissing(f"key {ref.key!r} of Secret {namespace}/{ref.name} holds no text: correct it") from None
        self._learn((value,))
        return value

    async def get_all(self, namespace: str, name: str, *, field: str) -> dict[str, str]:
        """Return the texts of all keys of the Secret that the field named `field` names."""
        data = await self._data(namespace, name, field, FRESH_S)
        return {key: await self.get(namespace, SecretKeyRef(name=name, key=key), field=field) for key in sorted(data)}

    async def digest(self, namespace: str, name: str, *, fresh_s: float) -> str | None:
        """Return a digest of a Secret's content, at most `fresh_s` seconds old; None where it can't be had."""
        try:
            data = await self._data(namespace, name, "", fresh_s)
        except SecretMissing:
            return None
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    async def _data(self, namespace: str, name: str, field: str, fresh_s: float) -> dict[str, str]:
        at_s, data = self._read.get((namespace, name), (float("-inf"), {}))
        if self._clock() - at_s < fresh_s:
            return data
        try:
            return await self._shared_read(namespace, name)()
        except NotFound:
            raise SecretMissing(f"Secret {namespace}/{name}, named by {field}, does not exist: create it") from None
        except Rejected as error:
            text = f"Secret {namespace}/{name}, named by {field}, can't be read: grant herder `get` on it ({error})"
            raise SecretMissing(text) from None

    def _shared_read(self, namespace: str, name: str) -> SharedRead[dict[str, str]]:
        """Return what all that ask for one Secret at the same time read it by; it lives as long as they do."""
        return self._under_way.setdefault((namespace, name), SharedRead(partial(self._fresh, namespace, name)))

    async def _fresh(self, namespace: str, name: str) -> dict[str, str]:
        now_s = self._clock()
        self._read = {place: read for place, read in self._read.items() if now_s - read[0] < FRESH_S}
        secret = await self._kube.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        data: dict[str, str] = secret.get("data") or {}
        self._read[(namespace, name)] = (now_s, data)
        return data
