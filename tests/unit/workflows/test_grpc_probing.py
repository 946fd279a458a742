"""What a gRPC worker tells, asked of a server on loopback that speaks one engine's protocol."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from herder.net.address import AddressPolicy
from herder.net.errors import AddressRefused, NetError, Unreachable
from herder.net.http import Http
from herder.workflows import grpc_probing
from herder.workflows.errors import Permanent, Transient, problem_of
from herder.workflows.grpc_probing import GrpcProber
from herder.workflows.probing import Asked, ServedModel, ServerInfo
from rig.workers.grpc_worker import Engine, GrpcWorker
from unit.net.servers import serving

ENGINES: tuple[Engine, ...] = ("vllm", "sglang", "trtllm", "mlx", "tokenspeed")


@pytest.fixture
async def prober() -> AsyncIterator[GrpcProber]:
    """A prober that may go to loopback."""
    async with Http(AddressPolicy(allow_loopback=True)) as http:
        yield GrpcProber(http.addresses)


@pytest.mark.parametrize("has_health_service", [True, False])
@pytest.mark.parametrize("engine", ENGINES)
async def test_the_engine_is_known_by_its_protocol(
    prober: GrpcProber, engine: Engine, has_health_service: bool
) -> None:
    with GrpcWorker(engine=engine, has_health_service=has_health_service) as worker:
        assert await prober.runtime(Asked(worker.url)) == engine
        assert await prober.runtime(Asked(worker.url, engine)) == engine


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_model_is_read_from_each_engines_own_words(prober: GrpcProber, engine: Engine) -> None:
    with GrpcWorker(engine=engine, model="org/a-model") as worker:
        assert await prober.models(Asked(worker.url)) == (ServedModel("org/a-model", context_length=32768),)


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("vllm", ServerInfo(dp_size=2)),
        ("sglang", ServerInfo(2, "0.0.0-mock")),
        ("trtllm", ServerInfo(version="0.0.0-mock")),
        ("mlx", ServerInfo()),
        ("tokenspeed", ServerInfo(2, "0.0.0-mock")),
    ],
)
async def test_ranks_and_version_are_read_where_an_engine_tells_them(
    prober: GrpcProber, engine: Engine, expected: ServerInfo
) -> None:
    with GrpcWorker(engine=engine, dp_size=2) as worker:
        assert await prober.server_info(Asked(worker.url)) == expected


@pytest.mark.parametrize("model", ["", "a\nb"], ids=["none yet", "one that no status could show"])
async def test_a_model_without_a_name_is_none(prober: GrpcProber, model: str) -> None:
    with GrpcWorker(model=model) as worker:
        assert await prober.models(Asked(worker.url)) == ()


@pytest.mark.parametrize(
    "worker",
    [
        GrpcWorker(is_serving=False),
        GrpcWorker(is_healthy=False),
        GrpcWorker(engine="trtllm", has_health_service=False, is_healthy=False),
    ],
    ids=["says the health service", "says the engine", "says TensorRT-LLM in its own way"],
)
async def test_a_worker_that_is_not_healthy_is_waited_for(prober: GrpcProber, worker: GrpcWorker) -> None:
    with worker, pytest.raises(Transient) as caught:
        await prober.runtime(Asked(worker.url))

    assert caught.value.reason == "WorkerNotHealthy"


@pytest.mark.parametrize(
    ("engine", "declared", "remedy"),
    [(None, None, "correct spec.url"), ("vllm", "sglang", "correct spec.runtime, or write Auto")],
    ids=["none that the gateway knows", "another than declared"],
)
async def test_a_protocol_that_no_replica_could_speak_is_refused_with_a_remedy(
    prober: GrpcProber, engine: Engine | None, declared: str | None, remedy: str
) -> None:
    """With the standard health service alone the gateway never registers a worker, and says nothing of it."""
    with GrpcWorker(engine=engine) as worker, pytest.raises(Permanent, match=remedy) as caught:
        await prober.runtime(Asked(worker.url, declared))

    assert caught.value.reason == "UnknownProtocol"


@pytest.mark.parametrize(
    ("api_key", "remedy"),
    [(None, "name that in spec.apiKeySecretRef"), ("wrong", "correct the Secret")],
    ids=["none", "a wrong one"],
)
async def test_a_key_that_is_not_taken_is_an_error_that_no_retry_mends(
    prober: GrpcProber, api_key: str | None, remedy: str
) -> None:
    with GrpcWorker(api_key="k3y") as worker, pytest.raises(Permanent, match=remedy) as caught:
        await prober.runtime(Asked(worker.url, api_key=api_key))

    assert caught.value.reason == "WorkerUnauthorized"


async def test_the_key_goes_with_every_call(prober: GrpcProber) -> None:
    with GrpcWorker(api_key="k3y") as worker:
        asked = Asked(worker.url, api_key="k3y")

        assert await prober.runtime(asked) == "vllm"
        assert await prober.models(asked)
        assert await prober.server_info(asked)


@pytest.mark.parametrize(
    ("spoken", "hint"),
    [
        pytest.param("grpc", "if it speaks HTTP or TLS, begin spec.url with http:// or grpcs://", id="HTTP"),
        pytest.param("grpcs", "if that is meant, begin spec.url with http:// or grpc://", id="HTTP, asked for TLS"),
    ],
)
async def test_a_worker_of_http_is_told_from_one_that_is_down(
    prober: GrpcProber, spoken: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc_probing, "_HEALTH_DEADLINE_S", 60.0)
    async with serving(_ok) as url:
        with pytest.raises(NetError) as caught:
            await prober.runtime(Asked(url.replace("http:", f"{spoken}:")))

    problem = problem_of(caught.value)
    assert problem.reason == "BadAnswer"
    assert hint in problem.message


async def _ok(_request: web.Request) -> web.Response:
    return web.Response()


async def test_a_worker_that_is_down_is_unreachable(prober: GrpcProber) -> None:
    with GrpcWorker() as worker:
        url = worker.url

    with pytest.raises(Unreachable):
        await prober.runtime(Asked(url))


async def test_a_forbidden_address_is_not_connected_to() -> None:
    async with Http(AddressPolicy()) as http:
        with GrpcWorker() as worker, pytest.raises(AddressRefused):
            await GrpcProber(http.addresses).runtime(Asked(worker.url))

        assert worker.asked == []
