"""Mock workers do what their scripts say, in this process and in their own."""

import asyncio
import http.client
import json
import urllib.error
from collections.abc import AsyncIterator

import aiohttp
import pytest

from rig.waiting import eventually
from rig.web import fetch, is_ok
from rig.workers import Answer, MockWorkers, Script, WorkerServer


@pytest.fixture
async def server() -> AsyncIterator[WorkerServer]:
    async with WorkerServer() as server:
        yield server


async def test_workers_in_this_loop_answer_each_by_its_own_script(server: WorkerServer) -> None:
    well, sick = server.set("well"), server.set("sick", Script(health_status=500))

    async with aiohttp.ClientSession() as session:
        statuses = [(await session.get(f"{url}/health")).status for url in (well, sick, server.url("nobody"))]

    assert statuses == [200, 500, 404]


@pytest.mark.parametrize(
    ("script", "paths"),
    [
        pytest.param(Script(runtime="sglang"), ["/v1/models", "/server_info", "/model_info"], id="sglang"),
        pytest.param(Script(runtime="vllm"), ["/v1/models", "/version"], id="vllm"),
        pytest.param(Script(runtime="generic"), ["/v1/models"], id="generic"),
    ],
)
def test_a_runtime_has_its_own_paths_and_no_other(mock_workers: MockWorkers, script: Script, paths: list[str]) -> None:
    url = mock_workers.add("a", script).url

    found = [path for path in ("/v1/models", "/server_info", "/model_info", "/version") if is_ok(url + path)]

    assert found == paths


def test_a_worker_says_its_models_and_its_data_parallel_size(mock_workers: MockWorkers) -> None:
    url = mock_workers.add("a", Script(models=("m1", "m2"), dp_size=4)).url

    assert [model["id"] for model in json.loads(fetch(f"{url}/v1/models"))["data"]] == ["m1", "m2"]
    assert json.loads(fetch(f"{url}/server_info"))["dp_size"] == 4


def test_a_worker_can_be_made_sick_crash_and_heal(mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a")

    worker.sicken()
    with pytest.raises(urllib.error.HTTPError, match="503") as sick:
        fetch(f"{worker.url}/health")
    sick.value.close()
    worker.crash()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        fetch(f"{worker.url}/health")
    worker.heal()

    assert is_ok(f"{worker.url}/health")


async def test_a_flapping_worker_goes_up_and_down(mock_workers: MockWorkers) -> None:
    url = mock_workers.add("a", Script(flap_s=0.2)).url

    await eventually(lambda: not is_ok(f"{url}/health"))
    await eventually(lambda: is_ok(f"{url}/health"))


def test_a_worker_with_a_key_shows_only_its_health_without_it(mock_workers: MockWorkers) -> None:
    url = mock_workers.add("a", Script(api_key="k")).url

    assert is_ok(f"{url}/health")
    assert not is_ok(f"{url}/v1/models")
    assert b"mock-model" in fetch(f"{url}/v1/models", token="k")


def test_a_canned_answer_is_given_as_often_as_it_says(mock_workers: MockWorkers) -> None:
    once_failing = Script(answers={"/server_info": Answer(status=500, body={"error": "once"}, times=1)})
    url = mock_workers.add("a", once_failing).url

    assert [is_ok(f"{url}/server_info") for _ in range(3)] == [False, True, True]


def test_a_chat_is_answered_by_name(mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a")

    answer = json.loads(fetch(f"{worker.url}/v1/chat/completions", method="POST", body=b'{"model": "mock-model"}'))

    assert answer["choices"][0]["message"]["content"] == worker.name


def test_a_chat_goes_on_as_long_as_the_script_says(mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(chat_delay_s=60))

    with pytest.raises(TimeoutError):
        fetch(f"{worker.url}/v1/chat/completions", method="POST", body=b"{}", timeout_s=0.3)


async def test_a_chat_is_held_until_the_script_lets_it_go(mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a", Script(holds_chats=True))
    url = f"{worker.url}/v1/chat/completions"

    chat = asyncio.create_task(asyncio.to_thread(fetch, url, method="POST", body=b"{}"))
    await eventually(worker.received)
    is_early = chat.done()
    worker.change(holds_chats=False)

    assert worker.name in (await chat).decode()
    assert not is_early


def test_what_a_worker_received_is_told_in_order(mock_workers: MockWorkers) -> None:
    worker, other = mock_workers.add("a"), mock_workers.add("b")

    fetch(f"{worker.url}/v1/models", token="secret")
    fetch(f"{other.url}/health")
    fetch(f"{worker.url}/health")

    received = [(one.method, one.path, one.authorization) for one in worker.received()]
    assert received == [("GET", "/v1/models", "Bearer secret"), ("GET", "/health", None)]


def test_a_removed_worker_is_no_more(mock_workers: MockWorkers) -> None:
    worker = mock_workers.add("a")

    mock_workers.clear()

    assert not is_ok(f"{worker.url}/health")
