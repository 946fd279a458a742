"""The manifests that a newcomer applies first, and what must run where for them to come true."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

from rig.ports import HOST

SAMPLES = Path(__file__).parents[3] / "samples"


class PortTakenError(RuntimeError):
    """Something else listens where a part of the samples must; the message names the port and what to do."""


@dataclass(frozen=True, slots=True)
class Samples:
    """`gateway` is the gateway's name, `gateway_ports` are those of its replicas in the order of its endpoints.

    `worker_urls` go by name. `modules` and `tokenizers` are the paths of what the replicas are to read.
    """

    folder: Path
    gateway: str
    gateway_ports: tuple[int, ...]
    worker_urls: Mapping[str, str]
    mcp_ports: tuple[int, ...] = ()
    modules: tuple[Path, ...] = ()
    tokenizers: tuple[Path, ...] = ()

    @classmethod
    def read(cls, folder: Path = SAMPLES) -> Self:
        """Read every manifest of the folder. Raises KeyError for one that is not as the operator's models say."""
        gateway = ""
        gateway_ports: list[int] = []
        worker_urls: dict[str, str] = {}
        mcp_ports: list[int] = []
        modules: list[Path] = []
        tokenizers: list[Path] = []
        for manifest in _manifests(folder):
            spec = manifest["spec"]
            match manifest["kind"]:
                case "ModelGateway":
                    gateway = manifest["metadata"]["name"]
                    gateway_ports += [_port(url) for url in spec["endpoints"]]
                case "WorkerRegistration":
                    worker_urls[manifest["metadata"]["name"]] = spec["url"]
                case "McpServer":
                    mcp_ports.append(_port(spec["transport"]["url"]))
                case "WasmModule":
                    modules.append(Path(spec["source"]["path"]))
                case "Tokenizer":
                    tokenizers.append(Path(spec["source"]))
        return cls(
            folder, gateway, tuple(gateway_ports), worker_urls, tuple(mcp_ports), tuple(modules), tuple(tokenizers)
        )

    @property
    def worker_port(self) -> int:
        """The one port that all workers share. Raises ValueError when they do not."""
        (port,) = {_port(url) for url in self.worker_urls.values()}
        return port

    def check_ports(self) -> None:
        """Raise PortTakenError unless everything that the samples name can be started where they say."""
        for port in (*self.gateway_ports, self.worker_port, *self.mcp_ports):
            if _is_taken(port):
                raise PortTakenError(
                    f"port {port} of {HOST}, which {self.folder.name}/ names, is taken. If `make up` has left its "
                    f"world running, `make down` ends it; otherwise `lsof -nP -iTCP:{port} -sTCP:LISTEN` tells which "
                    "program to end"
                )


def _manifests(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def _port(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise ValueError(f"the samples name a port in each URL, and {url} has none")
    return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT do not count
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
