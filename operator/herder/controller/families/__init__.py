"""The kinds of resources that a gateway serves, and all that tells one from another: a small file for each kind.

The core (reconciler, scene, decide, runs, project, claims) is the same for all of them and asks the family:

family   what it may ask: the contract
worker   WorkerRegistration
tokenizer   Tokenizer
mcp      McpServer, with what it asks (mcp_desk) and says (mcp_outlook)
wasm     WasmModule
orphans  marks on what is left on purpose
"""

from collections.abc import Mapping
from typing import Any, Final

from herder.controller.families.family import Body, Family
from herder.controller.families.mcp import McpFamily
from herder.controller.families.tokenizer import TokenizerFamily
from herder.controller.families.wasm import WasmFamily
from herder.controller.families.worker import WorkerFamily

FAMILIES: Final[Mapping[str, Family[Any]]] = {
    family.kind.kind: family for family in (WorkerFamily(), WasmFamily(), TokenizerFamily(), McpFamily())
}
"""By the kind's name."""


def family_of(body: Body) -> Family[Any]:
    """Return the family of an object of a kind that is served. Raises KeyError."""
    return FAMILIES[body["kind"]]
