"""The names under which herder's resources are known to Kubernetes and to the gateway."""

from dataclasses import dataclass
from typing import Final

GROUP: Final = "herder.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "herder"

FINALIZER: Final = f"{GROUP}/deregister"

RETRY_ANNOTATION: Final = f"{GROUP}/retry"
"""A token; each new one starts the workflow again, once. Echoed in `status.lastHandled.retry`."""

CANCEL_ANNOTATION: Final = f"{GROUP}/cancel"
"""A token; each new one cancels the run in progress, once. Echoed in `status.lastHandled.cancel`."""

ADOPT_ANNOTATION: Final = f"{GROUP}/adopt"
"""`"true"` lets a resource take over an entry of the gateway that herder did not make."""

HOSTS_ANNOTATION: Final = f"{GROUP}/hosts"
"""On a Secret: the hosts that its keys may be sent to; names, `*.domain`, addresses and networks, or `*` for any."""

OWNED_LABEL_PREFIX: Final = f"{GROUP}/"
"""Labels on the gateway that begin so are herder's own; a manifest may not set them."""

OWNER_LABEL: Final = f"{OWNED_LABEL_PREFIX}owner"
"""The label on a gateway's entry that says which installation and which resource made it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The four names of a resource kind."""

    kind: str
    plural: str
    singular: str
    short: str

    @property
    def crd_name(self) -> str:
        """The name of its CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


MODEL_GATEWAY: Final = Kind("ModelGateway", "modelgateways", "modelgateway", "mgw")
WORKER_REGISTRATION: Final = Kind("WorkerRegistration", "workerregistrations", "workerregistration", "wr")
WASM_MODULE: Final = Kind("WasmModule", "wasmmodules", "wasmmodule", "wm")
MCP_SERVER: Final = Kind("McpServer", "mcpservers", "mcpserver", "mcps")
TOKENIZER: Final = Kind("Tokenizer", "tokenizers", "tokenizer", "tok")
