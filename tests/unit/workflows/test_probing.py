"""What a worker tells, asked over real HTTP, and what herder makes of the answers that it should not give."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web

from herder.net.address import AddressPolicy
from herder.net.errors import AddressRefused, NetError, Unreachable
from herder.net.http import Answer as HttpAnswer
from herder.net.http import Http
from herder.workflows import probing
from herder.workflows.errors import Permanent, Transient, problem_of
from herder.workflows.probing import Prober, ServedModel, ServerInfo
from rig.workers.grpc_worker import GrpcWorker
from unit.net.servers import serving


class Answers:
    """A worker that answers each path as scripted: a JSON value, or a whole response; 404 to all others."""

    def __init__(self) -> None:
        self.url = ""
        self.script: dict[str, Any] = {}
        self.asked: list[tuple[str, str | None]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization")))
        answer = self.script.get(request.path)
        if answer is None:
            return web.Response(status=404, text="not found")
        if isinstance(answer, tuple):
            status, body = answer
            return web.Response(status=status, body=body)
        return web.Response(body=json.dumps(answer))


@pytest.fixture
async def worker() -> AsyncIterator[Answers]:
    """A scripted worker on loopback."""
    answers = Answers()
    async with serving(answers.handle) as url:
        answers.url = url
        yield answers


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """A prober that may go to loopback."""
    async with Http(AddressPolicy(allow_loopback=True)) as http:
        yield Prober(http)


@pytest.mark.parametrize("status", [200, 204])
async def test_a_worker_is_up_when_its_health_check_says_2xx(worker: Answers, prober: Prober, status: int) -> None:
    worker.script["/health"] = (status, b"")

    await prober.check_health(worker.url)

    assert worker.asked == [("/health", None)]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "WorkerNotHealthy"),
        (401, "WorkerNotHealthy"),
        (404, "BadAnswer"),
        (500, "WorkerNotHealthy"),
        (503, "WorkerNotHealthy"),
    ],
)
async def test_a_worker_that_says_otherwise_is_asked_again(
    worker: Answers, prober: Prober, status: int, reason: str
) -> None:
    worker.script["/health"] = (status, b"")

    with pytest.raises(Transient, match=f"/health answered {status}") as caught:
        await prober.check_health(worker.url)

    assert caught.value.reason == reason


async def test_a_base_url_for_clients_is_told_from_a_worker_that_is_not_up(worker: Answers, prober: Prober) -> None:
    worker.script["/v1/health"] = (404, b"")

    with pytest.raises(Transient, match="leave out the /v1"):
        await prober.check_health(f"{worker.url}/v1")


async def test_a_worker_that_is_down_is_out_of_reach(prober: Prober) -> None:
    with pytest.raises(Unreachable, match="refused"):
        await prober.check_health("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("spoken", "hint"),
    [
        pytest.param("http", "if it speaks TLS or gRPC, begin spec.url with https:// or grpc://", id="gRPC"),
        pytest.param("https", "if that is meant, begin spec.url with http:// or grpc://", id="gRPC, asked for TLS"),
    ],
)
async def test_a_worker_of_grpc_is_told_from_one_that_is_down(
    prober: Prober, spoken: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "_HEALTH_DEADLINE_S", 60.0)
    with GrpcWorker() as worker, pytest.raises(NetError) as caught:
        await prober.check_health(worker.url.replace("grpc:", f"{spoken}:"))

    problem = problem_of(caught.value)
    assert problem.reason == "BadAnswer"
    assert hint in problem.message


async def test_models_are_read_with_their_owner_and_length(worker: Answers, prober: Prober) -> None:
    worker.script["/v1/models"] = {"data": [{"id": "a", "owned_by": "vllm", "max_model_len": 4096}, {"id": "b"}]}

    served = await prober.list_models(worker.url, None)

    assert served == (ServedModel("a", "vllm", 4096), ServedModel("b"))


ODD_MODELS: dict[str, Any] = {
    "no object": "a",
    "no id": {"owned_by": "vllm"},
    "an empty id": {"id": ""},
    "a number": {"id": 7},
    "a line break": {"id": "a\nb"},
    "an escape": {"id": "\x1b[2J"},
    "half a character": {"id": "\ud800"},
}


@pytest.mark.parametrize("odd", ODD_MODELS.values(), ids=ODD_MODELS)
async def test_a_model_that_no_status_could_show_is_none(worker: Answers, prober: Prober, odd: object) -> None:
    worker.script["/v1/models"] = {"data": [odd, {"id": "a"}]}

    assert await prober.list_models(worker.url, None) == (ServedModel("a"),)


@pytest.mark.parametrize("length", [0, -1, 2**63, 1.5, True, "4096", None])
async def test_a_length_that_is_none_is_not_known(worker: Answers, prober: Prober, length: object) -> None:
    worker.script["/v1/models"] = {"data": [{"id": "a", "max_model_len": length}]}

    assert await prober.list_models(worker.url, None) == (ServedModel("a", context_length=None),)


async def test_an_empty_list_of_models_is_an_answer(worker: Answers, prober: Prober) -> None:
    worker.script["/v1/models"] = {"data": []}

    assert await prober.list_models(worker.url, None) == ()


BAD_BODIES: dict[str, Any] = {
    "a page": (200, b"<html>Sign in</html>"),
    "nothing": (200, b""),
    "a list": [1],
    "no list in it": {"data": {"id": "a"}},
    "nested too deep": (200, b"[" * 100_000),
    "no such endpoint": (404, b""),
}


@pytest.mark.parametrize("answer", BAD_BODIES.values(), ids=BAD_BODIES)
async def test_an_answer_that_lists_no_models_is_asked_for_again(worker: Answers, prober: Prober, answer: Any) -> None:
    worker.script["/v1/models"] = answer

    with pytest.raises(Transient, match="/v1/models did not answer with a") as caught:
        await prober.list_models(worker.url, None)

    assert caught.value.reason == "BadAnswer"
    assert "html" not in str(caught.value)


async def test_a_server_error_is_asked_again(worker: Answers, prober: Prober) -> None:
    worker.script["/v1/models"] = (500, b"Traceback: s3cret")

    with pytest.raises(Transient, match=r"answered 500$") as caught:
        await prober.list_models(worker.url, None)

    assert caught.value.reason == "WorkerError"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_keyed_worker_without_its_key_needs_one(worker: Answers, prober: Prober, status: int) -> None:
    worker.script["/v1/models"] = (status, b"")

    with pytest.raises(Permanent, match=r"put the key into a Secret and name that in spec\.apiKeySecretRef") as caught:
        await prober.list_models(worker.url, None)

    assert caught.value.reason == "WorkerUnauthorized"


async def test_a_keyed_worker_with_a_wrong_key_needs_another(worker: Answers, prober: Prober) -> None:
    worker.script["/v1/models"] = (401, b"")

    with pytest.raises(Permanent, match="correct the Secret") as caught:
        await prober.list_models(worker.url, "wr0ng")

    assert "wr0ng" not in str(caught.value)


async def test_the_key_goes_to_all_questions_but_the_health_check(worker: Answers, prober: Prober) -> None:
    worker.script |= {"/health": (200, b""), "/v1/models": {"data": []}, "/version": {}, "/server_info": {}}

    await prober.check_health(worker.url)
    await prober.list_models(worker.url, "k3y")
    await prober.version(worker.url, "k3y")
    await prober.server_info(worker.url, "k3y")

    assert dict(worker.asked) == {
        "/health": None,
        "/v1/models": "Bearer k3y",
        "/version": "Bearer k3y",
        "/server_info": "Bearer k3y",
    }


@pytest.mark.parametrize(
    ("answer", "version"),
    [({"version": "0.9\n"}, "0.9"), ({"version": 1}, None), ({}, None), ((404, b""), None), ((405, b""), None)],
)
async def test_a_version_is_one_line_or_not_known(
    worker: Answers, prober: Prober, answer: Any, version: str | None
) -> None:
    worker.script["/version"] = answer

    assert await prober.version(worker.url, None) == version


@pytest.mark.parametrize("path", ["/server_info", "/get_server_info"])
async def test_server_info_is_found_under_either_name(worker: Answers, prober: Prober, path: str) -> None:
    worker.script[path] = {"dp_size": 2, "version": "0.5"}

    assert await prober.server_info(worker.url, None) == ServerInfo(dp_size=2, version="0.5")


async def test_a_worker_without_server_info_has_none(worker: Answers, prober: Prober) -> None:
    assert await prober.server_info(worker.url, None) is None
    assert [path for path, _ in worker.asked] == ["/server_info", "/get_server_info"]


async def test_ranks_that_are_no_number_are_not_known(worker: Answers, prober: Prober) -> None:
    worker.script["/server_info"] = {"dp_size": "many", "version": None}

    assert await prober.server_info(worker.url, None) == ServerInfo()


async def test_an_address_that_nobody_may_be_sent_to_is_refused(prober: Prober) -> None:
    with pytest.raises(AddressRefused, match="link-local"):
        await prober.vet("http://169.254.169.254")


async def test_a_name_that_is_unknown_here_may_be_known_to_the_gateway(prober: Prober) -> None:
    await prober.vet("http://nowhere.invalid:8000")


class Heard(Http):
    """Answers every question with one model, and notes the headers that came with it."""

    def __init__(self) -> None:
        super().__init__(AddressPolicy())
        self.headers: Mapping[str, str] = {}

    async def request(self, method: str, url: str, **given: Any) -> HttpAnswer:
        self.headers = given["headers"]
        return HttpAnswer(200, {}, b'{"data": [{"id": "m"}]}')


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://api.openai.com", {"Authorization": "Bearer k3y"}),
        ("https://api.anthropic.com", {"x-api-key": "k3y", "anthropic-version": "2023-06-01"}),
        ("https://api.anthropic.com.example.com", {"Authorization": "Bearer k3y"}),
        ("https://notanthropic.com", {"Authorization": "Bearer k3y"}),
    ],
)
async def test_a_key_goes_into_the_header_that_the_provider_reads(url: str, headers: Mapping[str, str]) -> None:
    http = Heard()

    await Prober(http).list_models(url, "k3y")

    assert http.headers == headers


def test_an_operator_without_grpc_workers_does_without_grpc() -> None:
    """It costs 27 MB."""
    program = "import sys, herder.cli.main; print(sorted({'grpc', 'smg_grpc_proto', 'grpc_health'} & set(sys.modules)))"

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"
