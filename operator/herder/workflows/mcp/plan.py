"""An MCP server as declared: where it is asked, and how its entry in the gateway's file reads."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from herder.api.gateway import HeaderPublishing
from herder.api.mcp import McpServerSpec
from herder.api.served import DeletionPolicy
from herder.net.mcp import McpEndpoint
from herder.workflows.mcp.file import ORPHANED, FileEntry
from herder.workflows.owner import Owner

_HASH_CHARS: Final = 32
_PROTOCOL: Final = "streamable"


@dataclass(frozen=True)
class McpPlan:
    """`headers` is the content of the Secret that the spec names; `publishing` is what the gateway does with such."""

    spec: McpServerSpec
    owner: Owner
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    publishing: HeaderPublishing = HeaderPublishing.REFUSE

    @property
    def key(self) -> str:
        """The server's name in the file: its resource's, which is unique among those of one gateway."""
        return self.owner.name

    @property
    def endpoint(self) -> McpEndpoint:
        """Where the server is asked, and with which headers."""
        return McpEndpoint(self.spec.transport.url, self.headers)

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """The environment variable that stands for each header in the file; none where headers are refused."""
        if self.publishing is not HeaderPublishing.VARIABLES:
            return {}
        return {name: variable_of(self.key, name) for name in sorted(self.headers)}

    @property
    def is_publishable(self) -> bool:
        """Whether a file without secrets can tell a replica all that it needs."""
        return not self.headers or bool(self.variables)

    @cached_property
    def entry(self) -> FileEntry:
        """The server in the gateway's words, without a secret."""
        entry: FileEntry = {
            "name": self.key,
            "protocol": _PROTOCOL,
            # Where variables are filled in, $NAME in an address would send the headers of another server there.
            "url": self.spec.transport.url.replace("$", "%24"),
            "required": self.spec.required,
        }
        if self.variables:
            entry["headers"] = {name: f"${{{variable}}}" for name, variable in self.variables.items()}
        if self.spec.deletion_policy is DeletionPolicy.ORPHAN:
            entry |= ORPHANED
        return entry

    @cached_property
    def spec_hash(self) -> str:
        """A hash of all that is declared and sent. The headers are its key (HMAC-SHA256), never part of the message."""
        key = json.dumps(sorted(self.headers.items())).encode()
        message = json.dumps([self.entry, sorted(self.headers)], sort_keys=True).encode()
        return hmac.new(key, message, hashlib.sha256).hexdigest()[:_HASH_CHARS]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may be shown nowhere, though the server may well repeat it."""
        return self.endpoint.secrets


def variable_of(server: str, header: str) -> str:
    """Return the environment variable that holds a header of a server, such as HERDER_MCP_GITHUB_AUTHORIZATION."""
    return "_".join(("HERDER_MCP", *(re.sub(r"[^A-Z0-9]", "_", word.upper()) for word in (server, header))))
