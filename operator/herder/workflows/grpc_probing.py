"""What a worker that speaks gRPC tells: the standard health service's word, then the engine's own protocol.

The gateway asks the engines' protocols and nothing else: a worker with the standard health service alone is never
registered, and one that says there that it does not serve is (measured on smg 1.13.0). So the health service may say
no, and only an engine can say yes. Which of the protocols is known is which engine it is.

Importing this module brings grpcio and the engines' messages with it, 27 MB: import it when the first worker needs it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from grpc_health.v1 import health_pb2
from smg_grpc_proto.generated import (
    mlx_engine_pb2,
    sglang_scheduler_pb2,
    tokenspeed_scheduler_pb2,
    trtllm_service_pb2,
    vllm_engine_pb2,
)

from herder.net.errors import Denied, Unimplemented, Unreachable
from herder.net.grpc import Channel, Message, open_channel
from herder.workflows.answers import count, key_remedy, model_id, shown_line
from herder.workflows.errors import Permanent, Transient
from herder.workflows.probing import Asked, ServedModel, ServerInfo

_HEALTH_DEADLINE_S: Final = 2.0
_DEADLINE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Engine:
    """One engine's protocol: its runtime in the gateway's word, its service and its messages."""

    runtime: str
    service: str
    messages: ModuleType


_ENGINES: Final = (
    _Engine("vllm", "vllm.grpc.engine.VllmEngine", vllm_engine_pb2),
    _Engine("sglang", "sglang.grpc.scheduler.SglangScheduler", sglang_scheduler_pb2),
    _Engine("trtllm", "trtllm.TrtllmService", trtllm_service_pb2),
    _Engine("mlx", "mlx.grpc.engine.MlxEngine", mlx_engine_pb2),
    _Engine("tokenspeed", "tokenspeed.grpc.scheduler.TokenSpeedScheduler", tokenspeed_scheduler_pb2),
)


class GrpcProber:
    """Asks workers about themselves. Raises Transient, Permanent, or an error of `herder.net`.

    `addresses` returns the addresses that a URL stands for, each of which the address policy has judged.
    """

    def __init__(self, addresses: Callable[..., Awaitable[tuple[str, ...]]]) -> None:
        self._addresses = addresses

    async def runtime(self, asked: Asked) -> str:
        """Return which engine it is, when it is up and says that it serves."""
        async with self._channel(asked) as channel:
            await _check_standard_health(channel, asked)
            engine = await _engine_of(channel, asked)
            return engine.runtime

    async def models(self, asked: Asked) -> tuple[ServedModel, ...]:
        """Return the one model that it serves, none while it does not name it."""
        async with self._channel(asked) as channel:
            engine = await _engine_of(channel, asked)
            info = await _ask(channel, engine, "GetModelInfo", asked)
        return _model(info)

    async def server_info(self, asked: Asked) -> ServerInfo | None:
        """Return what it tells of itself; None if it does not know the question."""
        async with self._channel(asked) as channel:
            engine = await _engine_of(channel, asked)
            try:
                info = await _ask(channel, engine, "GetServerInfo", asked)
            except Unimplemented:
                return None
        return _server(info, asked.api_key)

    @asynccontextmanager
    async def _channel(self, asked: Asked) -> AsyncIterator[Channel]:
        addresses = await self._addresses(asked.url, deadline_s=_DEADLINE_S)
        if not addresses:
            raise Unreachable(f"{asked.url}: the name does not resolve")
        async with open_channel(asked.url, addresses[0]) as channel:
            try:
                yield channel
            except Denied as error:
                remedy = key_remedy(has_key=asked.api_key is not None)
                raise Permanent("WorkerUnauthorized", f"{error}: {remedy}") from error


async def _check_standard_health(channel: Channel, asked: Asked) -> None:
    try:
        answer: Any = await channel.call(
            "/grpc.health.v1.Health/Check",
            health_pb2.HealthCheckRequest(),
            health_pb2.HealthCheckResponse,
            deadline_s=_HEALTH_DEADLINE_S,
            metadata=asked.metadata,
        )
    except Unimplemented:
        return
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise Transient("WorkerNotHealthy", f"{asked.url}: its health service says that it does not serve")


async def _engine_of(channel: Channel, asked: Asked) -> _Engine:
    """Return the engine that knows its own health check and is healthy."""
    for engine in _ENGINES:
        if asked.runtime not in {None, engine.runtime}:
            continue
        try:
            answer = await _ask(channel, engine, "HealthCheck", asked, deadline_s=_HEALTH_DEADLINE_S)
        except Unimplemented:
            continue
        if not _is_healthy(answer):
            raise Transient("WorkerNotHealthy", f"{asked.url}: its engine says that it is not healthy")
        return engine
    raise _unknown(asked)


def _unknown(asked: Asked) -> Permanent:
    names = ", ".join(engine.runtime for engine in _ENGINES)
    if asked.runtime is None:
        return Permanent(
            "UnknownProtocol",
            f"{asked.url} speaks gRPC, but no protocol that the gateway knows ({names}): correct spec.url",
        )
    return Permanent(
        "UnknownProtocol",
        f"{asked.url} speaks gRPC, but not {asked.runtime}'s protocol: correct spec.runtime, or write Auto",
    )


async def _ask(channel: Channel, engine: _Engine, method: str, asked: Asked, *, deadline_s: float = _DEADLINE_S) -> Any:
    request: Message = getattr(engine.messages, f"{method}Request")()
    answer: type[Message] = getattr(engine.messages, f"{method}Response")
    path = f"/{engine.service}/{method}"
    return await channel.call(path, request, answer, deadline_s=deadline_s, metadata=asked.metadata)


def _is_healthy(answer: Any) -> bool:
    """TensorRT-LLM says OK, or what is wrong; the others say yes or no."""
    return bool(getattr(answer, "healthy", getattr(answer, "status", "") == "OK"))


def _model(info: Any) -> tuple[ServedModel, ...]:
    named = (getattr(info, name, "") for name in ("served_model_name", "model_id", "model_path"))
    name = next((found for each in named if (found := model_id(each))), None)
    length = getattr(info, "max_context_length", getattr(info, "max_seq_len", None))
    return () if name is None else (ServedModel(name, context_length=count(length)),)


def _server(info: Any, api_key: str | None) -> ServerInfo:
    versions = (getattr(info, name, "") for name in ("version", "sglang_version", "tokenspeed_version"))
    version = next((each for each in versions if each), None)
    arguments = getattr(info, "server_args", None)
    given = arguments.fields["dp_size"].number_value if arguments is not None and "dp_size" in arguments else None
    ranks = getattr(info, "data_parallel_size", given)
    return ServerInfo(count(None if ranks is None else int(ranks)), shown_line(version, api_key))
