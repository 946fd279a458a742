"""How what an MCP server answers, or does not, reads in a status: in one place for the steps and the looks between."""

from collections.abc import Iterator
from contextlib import contextmanager

from herder.net.errors import AddressRefused, Malformed, NetError, TlsRefused
from herder.net.mcp import McpEndpoint, McpRefused, McpUnauthorized
from herder.workflows.errors import ADDRESS_REFUSED, AGAIN, Permanent, StepFault, Transient

SERVER_UNREACHABLE = "ServerUnreachable"
SERVER_UNAUTHORIZED = "ServerUnauthorized"


@contextmanager
def faults_of_server(endpoint: McpEndpoint) -> Iterator[None]:
    """Raise StepFault where the block, which asks a server, raises NetError."""
    try:
        yield
    except NetError as error:
        raise fault_of_server(error, endpoint) from error


def fault_of_server(error: NetError, endpoint: McpEndpoint) -> StepFault:
    """Say what is wrong with a server, and whether it may pass by itself."""
    has_headers = bool(endpoint.headers)
    match error:
        case AddressRefused():
            return Permanent(ADDRESS_REFUSED, error.remedied("spec.transport.url", then=f" and {AGAIN}"))
        case Malformed() if has_headers:
            return Permanent(SERVER_UNAUTHORIZED, f"{error}: correct the Secret that spec.headersSecretRef names")
        case McpUnauthorized():
            return Permanent(SERVER_UNAUTHORIZED, f"{error}: {_remedy(has_headers=has_headers)}")
        case McpRefused():
            return Transient("ServerRefused", str(error))
        case TlsRefused():
            return Transient("TlsRefused", str(error))
        case _:
            return Transient(SERVER_UNREACHABLE, str(error))


def _remedy(*, has_headers: bool) -> str:
    if has_headers:
        return "it does not accept the headers in the Secret that spec.headersSecretRef names: correct the Secret"
    return "it asks for headers: put them into a Secret, each under its name, and name that in spec.headersSecretRef"
