"""Blots secrets out of what is logged, whoever logs it: what herder has read from a Secret never leaves by a log line.

Nobody can promise that no library, no traceback and no peer's echo ever repeats a key. So each value is learned when it
is read, and looked for in all text that is about to be written. Looking costs the same however many values are known:
they are found by their first characters.
"""

import base64
import json
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from herder.net.text import REDACTED

MIN_CHARS: Final = 6
"""A shorter value is not looked for: too much that is no secret would go with it, and it protects nothing."""
MAX_VALUES: Final = 16_384
"""Of more values than that, those are forgotten that were read the longest time ago."""
_CERTIFICATE: Final = "-----BEGIN CERTIFICATE-----"
_PRIVATE: Final = "PRIVATE KEY-----"
_MARK: Final = "-----"
_MIN_LINE_CHARS: Final = 16

type Plain = str | int | float | bool | list[Plain] | dict[str, Plain] | None
"""What a log line can show."""


class Scrubber:
    """Knows what must not be shown. `learn` each secret when it is read; `scrub` text before it is written."""

    def __init__(self, *, max_values: int = MAX_VALUES) -> None:
        self._max_values = max_values
        self._values: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._by_head: defaultdict[str, list[str]] = defaultdict(list)

    def __repr__(self) -> str:
        return f"Scrubber({len(self._values)} values)"

    def learn(self, values: Iterable[str]) -> None:
        """From now on blot these out: each as it is, its lines, and as JSON, URLs and base64 spell it."""
        for value in values:
            for piece in _pieces(value):
                if len(piece) >= MIN_CHARS:
                    self._add(piece)

    def scrub(self, text: str) -> str:
        """Return `text` without any known value."""
        heads = [text[at : at + MIN_CHARS] for at in range(len(text) - MIN_CHARS + 1)]
        if self._by_head.keys().isdisjoint(heads):  # nearly always, and told ten times as fast
            return text
        parts, done, at = list[str](), 0, 0
        while at <= len(text) - MIN_CHARS:
            found = self._found_at(text, at)
            if found:
                parts += (text[done:at], REDACTED)
                at = done = at + found
            else:
                at += 1
        return "".join((*parts, text[done:])) if parts else text

    def scrub_all(self, value: object) -> Plain:
        """Return what a line is to show of any value, with nothing known in it: an object becomes its repr."""
        match value:
            case str():
                return self.scrub(value)
            case bool() | int() | float() | None:
                return value
            case Mapping():
                return {self.scrub(str(key)): self.scrub_all(inner) for key, inner in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.scrub_all(inner) for inner in value]
        return self.scrub(repr(value))

    def _found_at(self, text: str, at: int) -> int:
        """Return how long the longest known value is that stands there, 0 if none does."""
        known = self._by_head.get(text[at : at + MIN_CHARS], ())
        return max((len(form) for form in known if text.startswith(form, at)), default=0)

    def _add(self, value: str) -> None:
        if value in self._values:
            self._values.move_to_end(value)
            return
        forms = tuple(dict.fromkeys(form for form in _forms(value) if len(form) >= MIN_CHARS))
        self._values[value] = forms
        for form in forms:
            self._by_head[form[:MIN_CHARS]].append(form)
        while len(self._values) > self._max_values:
            self._forget(self._values.popitem(last=False)[1])

    def _forget(self, forms: Iterable[str]) -> None:
        for form in forms:
            head = form[:MIN_CHARS]
            self._by_head[head].remove(form)
            if not self._by_head[head]:
                del self._by_head[head]


def _pieces(value: str) -> Iterator[str]:
    """Yield what of a value is to be found by itself: the lines of a key, the token after `Bearer`."""
    value = value.strip()
    if _CERTIFICATE in value and _PRIVATE not in value:
        return  # a bundle of certificates is no secret
    yield value
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line) >= _MIN_LINE_CHARS and not line.startswith(_MARK))
    _, _, token = value.partition(" ")
    if token and " " not in token:
        yield token


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="")
    yield base64.b64encode(value.encode()).decode().rstrip("=")
