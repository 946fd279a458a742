"""Specs that are taken and that are refused, told once for both who judge them: the models and the API server."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from herder.api.base import ApiModel
from herder.api.gateway import ModelGatewaySpec
from herder.api.mcp import McpServerSpec
from herder.api.meta import MCP_SERVER, MODEL_GATEWAY, TOKENIZER, WASM_MODULE, WORKER_REGISTRATION, Kind
from herder.api.tokenizer import TokenizerSpec
from herder.api.wasm import WasmModuleSpec
from herder.api.worker import WorkerRegistrationSpec

type Spec = Mapping[str, Any]

WORKER: Spec = {"gatewayRef": {"name": "shepherd"}, "url": "http://10.0.0.7:8000"}
GATEWAY: Spec = {"endpoints": ["http://10.0.0.1:30000"]}
MODULE: Spec = {"gatewayRef": {"name": "shepherd"}, "source": {"path": "/srv/modules/a.wasm"}}
SERVER: Spec = {"gatewayRef": {"name": "shepherd"}, "transport": {"url": "http://10.0.0.9:9000/mcp"}}
TOKENS: Spec = {"gatewayRef": {"name": "shepherd"}, "name": "llama", "source": "/srv/models/llama"}
MODELS: Mapping[Kind, type[ApiModel]] = {
    MODEL_GATEWAY: ModelGatewaySpec,
    WORKER_REGISTRATION: WorkerRegistrationSpec,
    WASM_MODULE: WasmModuleSpec,
    MCP_SERVER: McpServerSpec,
    TOKENIZER: TokenizerSpec,
}
_BASES: Mapping[Kind, Spec] = {
    MODEL_GATEWAY: GATEWAY,
    WORKER_REGISTRATION: WORKER,
    WASM_MODULE: MODULE,
    MCP_SERVER: SERVER,
    TOKENIZER: TOKENS,
}
_SECRET = {"name": "keys", "key": "api-key"}


@dataclass(frozen=True, slots=True)
class Case:
    """A spec, and for one that is refused where and what each judge says."""

    name: str
    kind: Kind
    spec: Spec
    path: str = ""
    says: str = ""
    parser_says: str = ""

    def manifest(self, namespace: str) -> dict[str, Any]:
        """The whole resource, under a name made from the case's."""
        return {
            "apiVersion": "herder.dev/v1alpha1",
            "kind": self.kind.kind,
            "metadata": {"name": self.object_name, "namespace": namespace},
            "spec": self.spec,
        }

    @property
    def object_name(self) -> str:
        """The resource's name."""
        return self.name.lower().replace(" ", "-")


def taken(kind: Kind, cases: Mapping[str, Spec]) -> Iterator[Case]:
    """Cases that are their kind's smallest spec with some fields changed."""
    for name, change in cases.items():
        yield Case(name, kind, {**_BASES[kind], **change})


def refused(kind: Kind, cases: Mapping[str, tuple[Spec, str, str] | tuple[Spec, str, str, str]]) -> Iterator[Case]:
    """Cases of (change, path, what the API server says, what the models say where they say it otherwise).

    A field that is changed to None is left out.
    """
    for name, (change, path, says, *parser_says) in cases.items():
        spec = {key: value for key, value in {**_BASES[kind], **change}.items() if value is not None}
        yield Case(name, kind, spec, path, says, parser_says[0] if parser_says else says)


def as_params(cases: tuple[Case, ...]) -> list[Any]:
    """The cases as pytest's parameters, each under its name."""
    return [pytest.param(case, id=case.name) for case in cases]


ACCEPTED = (
    *taken(
        WORKER_REGISTRATION,
        {
            "the smallest worker": {},
            "https": {"url": "https://worker.example.com"},
            "grpc": {"url": "grpc://worker:9000", "connectionMode": "GRPC"},
            "grpcs": {"url": "grpcs://worker:9000"},
            "http by name": {"connectionMode": "HTTP"},
            "a path with an at sign": {"url": "http://10.0.0.7:8000/w/@one"},
            "upper case": {"url": "HTTP://Worker:8000/"},
            "ipv6": {"url": "http://[fd00::7]:8000"},
            "an external provider": {
                "url": "https://api.openai.com",
                "runtime": "External",
                "apiKeySecretRef": _SECRET,
            },
            "a cost below one": {"cost": "0.25"},
            "a whole cost": {"cost": "2"},
            "a cost with leading zeros": {"cost": "007.50"},
            "the lowest priority": {"priority": 0},
            "the highest priority": {"priority": 4294967295},
            "as many models as fit": {"models": [f"m{n}" for n in range(64)]},
            "as many labels as fit": {"labels": {f"l{n}": "" for n in range(126)}},
            "labels of every kind": {
                "labels": {"team/a": "ä b", "dp_size": "2", "realtime": "true", "k" * 128: "v" * 4096},
            },
            "some health": {"health": {"timeoutSeconds": 1, "disabled": False}},
            "drain at once": {"drain": {"settleSeconds": 0, "timeoutSeconds": 0, "onTimeout": "Keep"}},
            "all words": {"workerType": "Prefill", "probe": "Gateway", "deletionPolicy": "Orphan", "suspend": True},
            "a long startup": {"startup": {"timeoutSeconds": 86400}},
        },
    ),
    *taken(
        MODEL_GATEWAY,
        {
            "the smallest gateway": {},
            "two endpoints": {"endpoints": ["http://a:1", "https://b/gw"], "mode": "Observe", "resyncSeconds": 3600},
            "keys and trust": {
                "auth": {"apiKeySecretRef": _SECRET},
                "tls": {"caSecretRef": {"name": "ca", "key": "ca.crt"}},
            },
        },
    ),
    *taken(
        WASM_MODULE,
        {
            "the smallest module": {},
            "a pinned module": {"sha256": "0f" * 32, "moduleType": "Middleware"},
            "a module of every point": {"attachPoints": ["OnRequest", "OnResponse", "OnError"]},
            "a module below etcetera": {"source": {"path": "/etcetera/..a/b.wasm"}},
            "a module that is kept": {
                "removal": {"timeoutSeconds": 0, "onTimeout": "Keep"},
                "deletionPolicy": "Orphan",
            },
        },
    ),
    *taken(
        MCP_SERVER,
        {
            "the smallest server": {},
            "a server by word": {"transport": {"type": "StreamableHTTP", "url": "https://mcp.example.com/mcp"}},
            "a server with headers": {"headersSecretRef": {"name": "keys"}, "required": True},
        },
    ),
    *taken(
        TOKENIZER,
        {
            "the smallest tokenizer": {},
            "a tokenizer of the hub": {"name": "meta-llama/Llama-3.1-8B", "source": "meta-llama/Llama-3.1-8B"},
            "a tokenizer of the hub without owner": {"source": "gpt2"},
            "a tokenizer with a template": {"chatTemplatePath": "/srv/models/chat.jinja"},
            "a tokenizer on a volume that may come late": {"loading": {"timeoutSeconds": 600}},
        },
    ),
    Case("a service", MODEL_GATEWAY, {"service": {"name": "shepherd", "port": 30000, "scheme": "HTTPS"}}),
    Case("a port by name", MODEL_GATEWAY, {"service": {"name": "shepherd", "port": "http-api"}}),
)

_SYSTEM = "name a file outside of /etc, /proc"
_DOTS = "write the path without . and .."
_ENCODED = "not percent-encoded"

REFUSED = (
    *refused(
        WASM_MODULE,
        {
            "no source": ({"source": None}, "spec.source", "Required value", "the field is required"),
            "a relative module": ({"source": {"path": "a.wasm"}}, "spec.source.path", "write an absolute path"),
            "another ending": ({"source": {"path": "/srv/a.wat"}}, "spec.source.path", "ends in .wasm"),
            "a module of the system": ({"source": {"path": "/etc/a.wasm"}}, "spec.source.path", _SYSTEM),
            "a module of the system by detour": ({"source": {"path": "//etc/a.wasm"}}, "spec.source.path", _SYSTEM),
            "a module of proc": ({"source": {"path": "/proc/self/a.wasm"}}, "spec.source.path", _SYSTEM),
            "a module up the tree": ({"source": {"path": "/srv/../etc/a.wasm"}}, "spec.source.path", _DOTS),
            "a module up the tree, encoded": ({"source": {"path": "/srv/%2E%2e/a.wasm"}}, "spec.source.path", _ENCODED),
            "an encoded slash": ({"source": {"path": "/srv/..%2fa.wasm"}}, "spec.source.path", _ENCODED),
            "an encoded zero byte": ({"source": {"path": "/srv/a%00.wasm"}}, "spec.source.path", _ENCODED),
            "a blank in a path": ({"source": {"path": "/srv/a b.wasm"}}, "spec.source.path", "without blanks"),
            "a hash with the name of its function": ({"sha256": f"sha256:{'0' * 64}"}, "spec.sha256", "64 lower-case"),
            "a short hash": ({"sha256": "abc"}, "spec.sha256", "64 lower-case hexadecimal digits"),
            "an upper case hash": ({"sha256": "0F" * 32}, "spec.sha256", "64 lower-case hexadecimal digits"),
            "an unknown point": (
                {"attachPoints": ["OnLoad"]},
                "spec.attachPoints[0]",
                "Unsupported value",
                "OnRequest",
            ),
            "a point twice": (
                {"attachPoints": ["OnRequest", "OnRequest"]},
                "spec.attachPoints",
                "write each attach point once",
            ),
        },
    ),
    *refused(
        MCP_SERVER,
        {
            "no transport": ({"transport": None}, "spec.transport", "Required value", "the field is required"),
            "sse": (
                {"transport": {"type": "SSE", "url": "http://h/sse"}},
                "spec.transport.type",
                "the gateway dropped SSE",
            ),
            "stdio": (
                {"transport": {"type": "Stdio", "url": "http://h"}},
                "spec.transport.type",
                "write StreamableHTTP",
            ),
            "a server by grpc": ({"transport": {"url": "grpc://h"}}, "spec.transport.url", "start it with http://"),
            "a server with a password": (
                {"transport": {"url": "http://me:pw@h"}},
                "spec.transport.url",
                "leave out user and password",
            ),
        },
    ),
    *refused(
        TOKENIZER,
        {
            "a tokenizer without name": ({"name": None}, "spec.name", "Required value", "the field is required"),
            "a tokenizer with an empty name": ({"name": ""}, "spec.name", "printable ASCII without blanks"),
            "a tokenizer of the system": ({"source": "/etc/passwd"}, "spec.source", _SYSTEM),
            "a tokenizer of proc": ({"source": "/proc/self/environ"}, "spec.source", _SYSTEM),
            "a tokenizer up the tree": ({"source": "/srv/../etc/passwd"}, "spec.source", _DOTS),
            "a tokenizer by url": ({"source": "http://h/t"}, "spec.source", "a Hugging Face id"),
            "a tokenizer by a relative path": ({"source": "./models/a"}, "spec.source", "write an absolute path"),
            "a relative template": ({"chatTemplatePath": "chat.jinja"}, "spec.chatTemplatePath", "an absolute path"),
        },
    ),
    *refused(
        WORKER_REGISTRATION,
        {
            "no url": ({"url": None}, "spec.url", "Required value", "the field is required"),
            "an empty url": ({"url": ""}, "spec.url", "start it with http://, https://, grpc:// or grpcs://"),
            "an address without scheme": (
                {"url": "127.0.0.1:8000"},
                "spec.url",
                "start it with http://, https://, grpc:// or grpcs://",
            ),
            "an address without scheme, and a mode": (
                {"url": "worker:9000", "connectionMode": "GRPC"},
                "spec.url",
                "start it with http://, https://, grpc:// or grpcs://",
            ),
            "an ipv6 address without brackets": (
                {"url": "http://fd00::7:8000"},
                "spec.url",
                "an IPv6 address in brackets",
            ),
            "a placeholder": ({"url": "http://<worker>:8000"}, "spec.url", "percent-encode"),
            "a relative url": (
                {"url": "/workers/a"},
                "spec.url",
                "start it with http://, https://, grpc:// or grpcs://",
            ),
            "a file url": ({"url": "file:///etc/passwd"}, "spec.url", "start it with http://"),
            "an ipc url": ({"url": "ipc:///tmp/s"}, "spec.url", "start it with http://"),
            "a url with a user": ({"url": "http://me:pw@h"}, "spec.url", "leave out user and password"),
            "a url with a query": ({"url": "http://h/?k=1"}, "spec.url", "leave out query and fragment"),
            "a url with a fragment": ({"url": "http://h/#k"}, "spec.url", "leave out query and fragment"),
            "a url without host": ({"url": "http:///x"}, "spec.url", "name a host"),
            "a url with a bad port": ({"url": "http://h:65536"}, "spec.url", "a port from 1 to 65535"),
            "a url with a blank": ({"url": "http://h/a b"}, "spec.url", "percent-encode"),
            "a url with a newline": ({"url": "http://h\n"}, "spec.url", "percent-encode"),
            "a url beyond ascii": ({"url": "http://wörker"}, "spec.url", "percent-encode"),
            "a url too long": ({"url": f"http://h/{'x' * 2048}"}, "spec.url", "2048 bytes", "at most 2048 characters"),
            "no gateway": ({"gatewayRef": None}, "spec.gatewayRef", "Required value", "the field is required"),
            "a gateway without name": ({"gatewayRef": {}}, "spec.gatewayRef.name", "Required value", "is required"),
            "a gateway elsewhere": ({"gatewayRef": {"name": "ns/gw"}}, "spec.gatewayRef.name", "in this namespace"),
            "an unknown runtime": ({"runtime": "vllm"}, "spec.runtime", '"vLLM"', "'vLLM'"),
            "an unknown worker type": ({"workerType": "Router"}, "spec.workerType", '"Decode"', "'Decode'"),
            "a bootstrap port of a decode worker": (
                {"workerType": "Decode", "bootstrapPort": 8998},
                "spec.bootstrapPort",
                "leave out bootstrapPort, or write workerType: Prefill",
            ),
            "no bootstrap port": ({"workerType": "Prefill", "bootstrapPort": 0}, "spec.bootstrapPort", "1"),
            "an unknown probe": ({"probe": "None"}, "spec.probe", '"Gateway"', "'Gateway'"),
            "grpc over http": ({"connectionMode": "GRPC"}, "spec.connectionMode", "with a grpc:// or grpcs:// URL"),
            "http over grpc": (
                {"url": "grpc://h:1", "connectionMode": "HTTP"},
                "spec.connectionMode",
                "with a grpc:// or grpcs:// URL",
            ),
            "a cost in words": ({"cost": "cheap"}, "spec.cost", "write a decimal number above 0"),
            "a cost of nothing": ({"cost": "0.0"}, "spec.cost", "write a decimal number above 0"),
            "a negative cost": ({"cost": "-1"}, "spec.cost", "write a decimal number above 0"),
            "a cost with an exponent": ({"cost": "1e9"}, "spec.cost", "write a decimal number above 0"),
            "a cost with a newline": ({"cost": "1.0\n"}, "spec.cost", "write a decimal number above 0"),
            "a cost without quotes": ({"cost": 1.5}, "spec.cost", "of type string", "goes in quotes"),
            "a cost too long": ({"cost": "1" * 17}, "spec.cost", "16", "at most 16 characters"),
            "a negative priority": ({"priority": -1}, "spec.priority", "greater than or equal to 0", "0 or more"),
            "a priority too high": ({"priority": 2**32}, "spec.priority", "4294967295", "4294967295 or less"),
            "too many models": ({"models": ["m"] * 65}, "spec.models", "at most 64 items"),
            "an empty model": ({"models": [""]}, "spec.models[0]", "at least 1 char"),
            "too many labels": (
                {"labels": {f"l{n}": "" for n in range(127)}},
                "spec.labels",
                "126",
                "at most 126 items",
            ),
            "a reserved label": ({"labels": {"herder.dev/owner": "me"}}, "spec.labels", "label 'herder.dev/owner': "),
            "a label key with a blank": (
                {"labels": {"fine": "", "a b": ""}},
                "spec.labels",
                "label 'a b': write a key of 1 to 128 printable ASCII characters",
            ),
            "a label key with a newline": ({"labels": {"a\n": ""}}, "spec.labels", "printable ASCII"),
            "an empty label key": ({"labels": {"": "x"}}, "spec.labels", "printable ASCII"),
            "a label key too long": ({"labels": {"k" * 129: ""}}, "spec.labels", "1 to 128"),
            "a label value with a newline": ({"labels": {"a": "b\n"}}, "spec.labels", "label 'a': write a value"),
            "a label value too long": (
                {"labels": {"a": "v" * 4097}},
                "spec.labels.a",
                "4096",
                "at most 4096 characters",
            ),
            "a label value of too many bytes": ({"labels": {"a": "ä" * 2049}}, "spec.labels", "at most 4096 bytes"),
            "a rank count of nothing": (
                {"labels": {"max_num_seqs": "1", "dp_size": "0"}},
                "spec.labels",
                "label 'dp_size': write a whole number above 0",
            ),
            "a realtime of yes": ({"labels": {"realtime": "yes"}}, "spec.labels", "label 'realtime': write"),
            "a secret without key": (
                {"apiKeySecretRef": {"name": "s"}},
                "spec.apiKeySecretRef.key",
                "Required",
                "required",
            ),
            "a health timeout of nothing": (
                {"health": {"timeoutSeconds": 0}},
                "spec.health.timeoutSeconds",
                "greater than or equal to 1",
                "write 1 or more",
            ),
            "a startup of two days": ({"startup": {"timeoutSeconds": 172800}}, "spec.startup.timeoutSeconds", "86400"),
            "a drain without end": (
                {"drain": {"timeoutSeconds": 4}},
                "spec.drain",
                "make timeoutSeconds (300 where it is not written) at least as long as settleSeconds",
            ),
            "an unknown policy": ({"deletionPolicy": "Delete"}, "spec.deletionPolicy", '"Orphan"', "'Orphan'"),
            "suspend in words": ({"suspend": "later"}, "spec.suspend", "of type boolean", "true or false"),
        },
    ),
    *refused(
        MODEL_GATEWAY,
        {
            "neither endpoints nor service": ({"endpoints": None}, "spec", "exactly one of endpoints"),
            "both endpoints and service": ({"service": {"name": "s", "port": 1}}, "spec", "exactly one of endpoints"),
            "no endpoint": ({"endpoints": []}, "spec.endpoints", "at least 1 item"),
            "too many endpoints": (
                {"endpoints": [f"http://h{n}" for n in range(257)]},
                "spec.endpoints",
                "at most 256 items",
            ),
            "endpoints that are too long together": (
                {"endpoints": [f"http://{n:02d}{'h' * 1990}" for n in range(9)]},
                "spec.endpoints",
                "together they may have 16384 characters",
            ),
            "a grpc endpoint": ({"endpoints": ["grpc://h"]}, "spec.endpoints[0]", "start it with http:// or https://"),
            "an endpoint with a user": (
                {"endpoints": ["http://h", "http://u@h"]},
                "spec.endpoints[1]",
                "leave out user",
            ),
            "a service without port": (
                {"endpoints": None, "service": {"name": "s"}},
                "spec.service.port",
                "Required value",
                "the field is required",
            ),
            "a service with a bad port": (
                {"endpoints": None, "service": {"name": "s", "port": 65536}},
                "spec.service.port",
                "65535",
            ),
            "a service with a quoted port": (
                {"endpoints": None, "service": {"name": "s", "port": "80"}},
                "spec.service.port",
                "its number, 1 to 65535, without quotes",
            ),
            "a service with a name that no port has": (
                {"endpoints": None, "service": {"name": "s", "port": "HTTP"}},
                "spec.service.port",
                "its number, 1 to 65535, without quotes",
            ),
            "a service with half a port": (
                {"endpoints": None, "service": {"name": "s", "port": 80.5}},
                "spec.service.port",
                "must be of type integer,string",
                "its number, 1 to 65535, without quotes",
            ),
            "an unknown mode": ({"mode": "observe"}, "spec.mode", '"Observe"', "'Observe'"),
            "a resync of nothing": (
                {"resyncSeconds": 0},
                "spec.resyncSeconds",
                "greater than or equal to 1",
                "1 or more",
            ),
            "auth without a key": (
                {"auth": {}},
                "spec.auth.apiKeySecretRef",
                "Required value",
                "the field is required",
            ),
            "trust without a key": (
                {"tls": {"caSecretRef": {"name": "s"}}},
                "spec.tls.caSecretRef.key",
                "Required",
                "required",
            ),
        },
    ),
)
