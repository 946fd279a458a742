"""The file that a gateway's replicas read when they start (`smg launch --mcp-config-path`): pure, no I/O.

The gateway takes what it knows of an entry and ignores the rest, so an entry may carry a mark of herder's own. It
expands no variables (all measured on smg 1.13.0).
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from herder.api.meta import OWNED_LABEL_PREFIX

FILE_KEY: Final = "mcp.yaml"
"""The key of the ConfigMap."""

type FileEntry = dict[str, object]
type Entries = Mapping[str, FileEntry]
"""By the servers' names."""

_MARK: Final = f"{OWNED_LABEL_PREFIX}deletion-policy"
ORPHANED: Final[Mapping[str, object]] = {_MARK: "Orphan"}
"""On entries that are to be left when their resource is deleted."""

_HEAD: Final = "# Kept by herder, from the McpServers of ModelGateway {gateway}. Changes by hand are undone.\n"
_HASH_CHARS: Final = 16
_VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)\}")


def render(gateway: str, entries: Entries) -> str:
    """Return the file: equal entries give equal text, whoever writes it."""
    servers = [entries[name] for name in sorted(entries)]
    text: str = yaml.safe_dump({"servers": servers}, sort_keys=True, allow_unicode=True, width=120)
    return _HEAD.format(gateway=gateway) + text


def parse(text: str) -> Entries | None:
    """Read a file; None if it is none, or holds what herder would not have written."""
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return None
    servers = content.get("servers") if isinstance(content, dict) else None
    if not isinstance(servers, list) or not all(isinstance(each, dict) and _name(each) for each in servers):
        return None
    return {_name(each): each for each in servers}


def _name(entry: FileEntry) -> str:
    name = entry.get("name")
    return name if isinstance(name, str) else ""


def hash_of(text: str) -> str:
    """Return what tells one version of the file from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARS]


def wanted(present: Entries, decided: Mapping[str, FileEntry | None], known: frozenset[str]) -> Entries:
    """Return what the file is to hold.

    `decided` is what runs of this process have put in (or taken out: None), and comes first. Of the rest what is
    present stays as it is, as long as it is one of the `known`, the servers whose resources want to be there, or was
    left on purpose when its resource was deleted.
    """
    stays = {name: entry for name, entry in present.items() if name in known or _is_orphan(entry)}
    put = {name: entry for name, entry in decided.items() if entry is not None and name in known}
    taken = {name for name, entry in decided.items() if entry is None}
    return {**{name: entry for name, entry in stays.items() if name not in taken}, **put}


def _is_orphan(entry: FileEntry) -> bool:
    return entry.get(_MARK) == ORPHANED[_MARK]


def difference(present: Entries, name: str, entry: FileEntry) -> str | None:
    """Return the first difference between what is present and what is declared, as a line for people."""
    found = present.get(name)
    if found is None:
        return f"it does not list {name}"
    for field in sorted(entry.keys() | found.keys()):
        if entry.get(field) != found.get(field):
            return f"it lists {name} with another {field} than declared"
    return None


def variables_of(entries: Entries) -> Iterator[tuple[str, str]]:
    """Yield the variables that a file refers to, each with the name of the server that it is for."""
    for name, entry in entries.items():
        headers = entry.get("headers")
        for value in headers.values() if isinstance(headers, dict) else ():
            for variable in _VARIABLE.findall(str(value)):
                yield variable, name
