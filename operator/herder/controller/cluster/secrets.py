"""The content of Secrets: read by name, never listed or watched, kept for a moment, shown to nobody.

Whoever may write a resource can have herder send a key of a Secret in that namespace to a host of their choice, also
where they may not read the Secret themselves. So a Secret can say which hosts its keys are for, in an annotation, and
where that is asked for each must: then a key is handed out for these hosts only.
"""

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from herder.api.conditions import ReadyReason
from herder.api.fields import SecretKeyRef
from herder.api.meta import HOSTS_ANNOTATION
from herder.controller.cluster.errors import NotFound, Rejected
from herder.controller.cluster.kube import Kube, Learn, not_learnt
from herder.gateway.shared_read import SharedRead
from herder.net.hosts import Hosts

FRESH_S: Final = 10.0
"""How long a content that was read is good; a rotated key is noticed that much later at most."""


class SecretMissing(Exception):
    """The Secret, or the key in it, does not exist or is kept from herder; the message names it and says what to do."""

    reason = ReadyReason.SECRET_NOT_FOUND


class SecretNotPermitted(SecretMissing):
    """The Secret is there, and may not be sent where the resource would have it sent."""

    reason = ReadyReason.SECRET_NOT_PERMITTED


@dataclass(frozen=True, slots=True)
class _Content:
    """What a Secret holds, in base64, and which hosts it says that it is for; None if it says nothing."""

    data: dict[str, str] = field(repr=False)
    hosts: str | None = None


class Secrets:
    """Reads single keys of Secrets. Raises SecretMissing, or KubeError where the API server can't tell.

    `learn` is told each value before anybody gets it. With `only_bound` a Secret must say which hosts it is for.
    """

    def __init__(
        self,
        kube: Kube,
        clock: Callable[[], float] = time.monotonic,
        learn: Learn = not_learnt,
        *,
        only_bound: bool = False,
    ) -> None:
        self._kube = kube
        self._learn = learn
        self._only_bound = only_bound
        self._clock = clock
        self._read: dict[tuple[str, str], tuple[float, _Content]] = {}
        self._under_way: WeakValueDictionary[tuple[str, str], SharedRead[_Content]] = WeakValueDictionary()

    async def get(
        self, namespace: str, ref: SecretKeyRef, *, field: str, to: Iterable[str] = (), fresh_s: float = FRESH_S
    ) -> str:
        """Return the text that `ref`, found in the field named `field`, points to, at most `fresh_s` seconds old.

        `to` are the hosts that it is to be sent to. Raises SecretNotPermitted where the Secret is not for one of them.
        """
        content = await self._content(namespace, ref.name, field, fresh_s, key=ref.key)
        self._check_hosts(content, f"Secret {namespace}/{ref.name}, named by {field},", to)
        data = content.data
        if ref.key not in data:
            raise SecretMissing(f"Secret {namespace}/{ref.name}, named by {field}, has no key {ref.key!r}: add it")
        try:
            value = base64.b64decode(data[ref.key], validate=True).decode().strip()
        except (binascii.Error, UnicodeDecodeError):
            raise SecretMissing(f"key {ref.key!r} of Secret {namespace}/{ref.name} holds no text: correct it") from None
        self._learn((value,))
        return value

    async def get_all(self, namespace: str, name: str, *, field: str, to: Iterable[str] = ()) -> dict[str, str]:
        """Return the texts of all keys of the Secret that the field named `field` names, to be sent to the hosts `to`.

        Raises as `get` does.
        """
        data, to = (await self._content(namespace, name, field, FRESH_S)).data, tuple(to)
        refs = {key: SecretKeyRef(name=name, key=key) for key in sorted(data)}
        return {key: await self.get(namespace, ref, field=field, to=to) for key, ref in refs.items()}

    async def digest(self, namespace: str, name: str, *, fresh_s: float) -> str | None:
        """Return a digest of a Secret's content, at most `fresh_s` seconds old; None where it can't be had."""
        try:
            content = await self._content(namespace, name, "", fresh_s)
        except SecretMissing:
            return None
        return hashlib.sha256(json.dumps([content.data, content.hosts], sort_keys=True).encode()).hexdigest()

    def _check_hosts(self, content: _Content, secret: str, to: Iterable[str]) -> None:
        """Raise SecretNotPermitted unless a Secret's keys may be sent to each of these hosts."""
        for host in to:
            if content.hosts is None and self._only_bound:
                text = f"{secret} lacks the annotation {HOSTS_ANNOTATION}, without which none is sent anywhere"
                raise SecretNotPermitted(f"{text}: write there which hosts it is for, {host} here")
            if content.hosts is not None and not Hosts.of(content.hosts).allows(host):
                text = f"{secret} is not to be sent to {host}: correct the URL"
                raise SecretNotPermitted(f"{text}, or add the host to the Secret's annotation {HOSTS_ANNOTATION}")

    async def _content(
        self, namespace: str, name: str, field: str, fresh_s: float, *, key: str | None = None
    ) -> _Content:
        at_s, content = self._read.get((namespace, name), (float("-inf"), _Content({})))
        if self._clock() - at_s < fresh_s:
            return content
        try:
            return await self._shared_read(namespace, name)()
        except NotFound:
            text = f"Secret {namespace}/{name}, named by {field}, does not exist: create it"
            raise SecretMissing(text + (f" with the key {key!r}" if key is not None else "")) from None
        except Rejected as error:
            text = f"Secret {namespace}/{name}, named by {field}, can't be read: grant herder `get` on it ({error})"
            raise SecretMissing(text) from None

    def _shared_read(self, namespace: str, name: str) -> SharedRead[_Content]:
        """Return what all that ask for one Secret at the same time read it by; it lives as long as they do."""
        return self._under_way.setdefault((namespace, name), SharedRead(partial(self._fresh, namespace, name)))

    async def _fresh(self, namespace: str, name: str) -> _Content:
        now_s = self._clock()
        self._read = {place: read for place, read in self._read.items() if now_s - read[0] < FRESH_S}
        try:
            secret = await self._kube.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except (NotFound, Rejected):
            self._read.pop((namespace, name), None)  # or whoever is told that it is gone would still find it here
            raise
        annotations = secret.get("metadata", {}).get("annotations") or {}
        content = _Content(secret.get("data") or {}, annotations.get(HOSTS_ANNOTATION))
        self._read[(namespace, name)] = (now_s, content)
        return content
