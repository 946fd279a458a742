"""A mock worker that speaks gRPC: the standard health service and the protocol of one engine, on 127.0.0.1.

It runs in threads of its own, so that a busy event loop in the test does not make it sick.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from smg_grpc_proto.generated import (
    mlx_engine_pb2,
    sglang_scheduler_pb2,
    tokenspeed_scheduler_pb2,
    trtllm_service_pb2,
    vllm_engine_pb2,
)

from rig.ports import HOST, reserve_port

type Engine = Literal["vllm", "sglang", "trtllm", "mlx", "tokenspeed"]

_MODULES: dict[Engine, Any] = {
    "vllm": vllm_engine_pb2,
    "sglang": sglang_scheduler_pb2,
    "trtllm": trtllm_service_pb2,
    "mlx": mlx_engine_pb2,
    "tokenspeed": tokenspeed_scheduler_pb2,
}
_SERVICES: dict[Engine, str] = {
    "vllm": "vllm.grpc.engine.VllmEngine",
    "sglang": "sglang.grpc.scheduler.SglangScheduler",
    "trtllm": "trtllm.TrtllmService",
    "mlx": "mlx.grpc.engine.MlxEngine",
    "tokenspeed": "tokenspeed.grpc.scheduler.TokenSpeedScheduler",
}
_CONTEXT_LENGTH = 32768
_NAMES_OF_HEALTH = "grpc.health.v1.Health"


@dataclass(slots=True)
class GrpcWorker:
    """One worker; a context manager, which may be entered again. Its fields may be changed at any time."""

    engine: Engine | None = "vllm"
    """None: the standard health service and nothing else."""
    model: str = "mock-model"
    tokenizer: str = ""
    """Where the gateway is to load the tokenizer from."""
    dp_size: int = 1
    has_health_service: bool = True
    is_serving: bool = True
    """What the standard health service says."""
    is_healthy: bool = True
    """What the engine says."""
    port: int = field(default_factory=reserve_port)
    credentials: grpc.ServerCredentials | None = None
    api_key: str | None = None
    """With one, every call without it as a Bearer token is refused."""
    asked: list[str] = field(default_factory=list)
    """The calls that came, as /service/method."""
    _server: grpc.Server | None = None

    @property
    def url(self) -> str:
        """What one registers."""
        scheme = "grpc" if self.credentials is None else "grpcs"
        return f"{scheme}://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers(self._handlers())
        if self.credentials is None:
            server.add_insecure_port(f"{HOST}:{self.port}")
        else:
            server.add_secure_port(f"{HOST}:{self.port}", self.credentials)
        server.start()
        self._server = server
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None

    def _handlers(self) -> list[Any]:
        handlers = []
        if self.has_health_service:
            check = self._handler(f"/{_NAMES_OF_HEALTH}/Check", health_pb2.HealthCheckRequest, self._check)
            handlers.append(grpc.method_handlers_generic_handler(_NAMES_OF_HEALTH, {"Check": check}))
        if self.engine is not None:
            service, module = _SERVICES[self.engine], _MODULES[self.engine]
            answers: dict[str, Callable[[], Message]] = {
                "HealthCheck": self._health_check,
                "GetModelInfo": self._model_info,
                "GetServerInfo": self._server_info,
            }
            methods = {
                name: self._handler(f"/{service}/{name}", getattr(module, f"{name}Request"), answer)
                for name, answer in answers.items()
            }
            handlers.append(grpc.method_handlers_generic_handler(service, methods))
        return handlers

    def _handler(self, path: str, request: Any, answer: Callable[[], Message]) -> Any:
        def serve(_request: Message, context: grpc.ServicerContext) -> Message:
            self.asked.append(path)
            metadata = dict(context.invocation_metadata())
            if self.api_key is not None and metadata.get("authorization") != f"Bearer {self.api_key}":
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")
            return answer()

        return grpc.unary_unary_rpc_method_handler(
            serve,
            request_deserializer=request.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _check(self) -> Message:
        word = "SERVING" if self.is_serving else "NOT_SERVING"
        return health_pb2.HealthCheckResponse(status=word)

    def _health_check(self) -> Message:
        module = self._module
        if self.engine == "trtllm":
            return self._made(module.HealthCheckResponse(status="OK" if self.is_healthy else "not ready"))
        return self._made(module.HealthCheckResponse(healthy=self.is_healthy, message="" if self.is_healthy else "no"))

    def _model_info(self) -> Message:
        module = self._module
        if self.engine == "trtllm":
            return self._made(module.GetModelInfoResponse(model_id=self.model, max_seq_len=_CONTEXT_LENGTH))
        info = module.GetModelInfoResponse(
            model_path=self.model, served_model_name=self.model, max_context_length=_CONTEXT_LENGTH
        )
        if self.engine != "mlx":
            info.tokenizer_path = self.tokenizer
        if self.engine != "tokenspeed":
            info.is_generation = True
        return self._made(info)

    def _server_info(self) -> Message:
        info = self._module.GetServerInfoResponse()
        if self.engine == "vllm":
            info.server_type, info.data_parallel_size = "vllm-grpc", self.dp_size
        if self.engine in ("sglang", "tokenspeed"):
            info.server_args.update({"dp_size": self.dp_size})
            setattr(info, f"{self.engine}_version", "0.0.0-mock")
        if self.engine == "trtllm":
            info.version = "0.0.0-mock"
        return self._made(info)

    @property
    def _module(self) -> Any:
        return _MODULES[self.engine] if self.engine else None

    @staticmethod
    def _made(message: Any) -> Message:
        made: Message = message
        return made
