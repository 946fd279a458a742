"""The answers of an inference engine: what smg 1.13.0 and herder probe, for each runtime as the real one answers it.

A path that a runtime does not have answers 404; that is how a gateway tells the runtimes apart.
"""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from rig.workers.script import Runtime, Script

_OWNED_BY: Mapping[Runtime, str] = {"sglang": "sglang", "vllm": "vllm", "generic": "self_hosted"}
_CONTEXT_LENGTH = 32768


def _models(script: Script) -> JsonValue:
    entries: list[JsonValue] = [
        {
            "id": model,
            "object": "model",
            "created": 0,
            "owned_by": _OWNED_BY[script.runtime],
            "root": model,
            "max_model_len": _CONTEXT_LENGTH,
        }
        for model in script.models
    ]
    return {"object": "list", "data": entries}


def _version(script: Script) -> JsonValue:
    return {"version": "0.0.0-mock"}


def _server_info(script: Script) -> JsonValue:
    return {
        "model_path": script.models[0],
        "served_model_name": script.models[0],
        "tp_size": 1,
        "dp_size": script.dp_size,
        "version": "0.0.0-mock",
        "max_running_requests": 64,
        "context_length": _CONTEXT_LENGTH,
    }


def _model_info(script: Script) -> JsonValue:
    return {"model_path": script.models[0], "tokenizer_path": script.models[0], "is_generation": True}


def _loads(script: Script) -> JsonValue:
    ranks: list[JsonValue] = [
        {
            "dp_rank": rank,
            "num_running_reqs": 0,
            "num_waiting_reqs": 0,
            "num_total_reqs": 0,
            "num_used_tokens": 0,
            "max_total_num_tokens": 1_000_000,
            "token_usage": 0.0,
            "gen_throughput": 0.0,
        }
        for rank in range(script.dp_size)
    ]
    return {"timestamp": "", "dp_rank_count": script.dp_size, "loads": ranks}


type _Render = Callable[[Script], JsonValue]

_EVERY_RUNTIME: Mapping[str, _Render] = {"/v1/models": _models, "/loads": _loads, "/v1/loads": _loads}
_ONE_RUNTIME: Mapping[Runtime, Mapping[str, _Render]] = {
    "sglang": {
        "/server_info": _server_info,
        "/get_server_info": _server_info,
        "/model_info": _model_info,
        "/get_model_info": _model_info,
    },
    "vllm": {"/version": _version},
    "generic": {},
}


def describe(script: Script, path: str) -> JsonValue:
    """What a GET of `path` answers; None where this runtime has no such path."""
    render = {**_EVERY_RUNTIME, **_ONE_RUNTIME[script.runtime]}.get(path)
    return render(script) if render else None


def complete_chat(model: JsonValue, worker: str) -> JsonValue:
    """A chat completion of one word; its content names the worker that gave it."""
    return {
        "id": "chatcmpl-mock",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": worker}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
