"""What makes somebody else's text fit for a status, an Event or a log line."""

from collections.abc import Iterable

MAX_CHARS = 200
REDACTED = "[redacted]"


def untrusted(text: str, *, limit: int = MAX_CHARS, secrets: Iterable[str] = ()) -> str:
    """Return `text` as one printable line of at most `limit` characters.

    Line breaks and runs of white space become one space; control, bidirectional and unassigned characters go, so that
    nothing can steer a terminal or disguise itself. Each of `secrets` is blotted out first: what a peer echoes may hold
    the key that it was sent.
    """
    text = redacted(text, secrets)
    line = "".join(char for char in " ".join(text[: 8 * limit].split()) if char.isprintable())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with each of `secrets` blotted out. To be done before anything is cut off, or a part would stay."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, REDACTED)
    return text
