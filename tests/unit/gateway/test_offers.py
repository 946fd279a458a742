"""What a replica offers to clients, read through its answers."""

import pytest

from herder.gateway.errors import Transient
from unit.gateway.fake import Rig

LINE = "GET /v1/models"


async def test_the_ids_of_all_models_are_read(rig: Rig) -> None:
    rig.gateway.will(LINE, (200, {"object": "list", "data": [{"id": "a", "owned_by": "x"}, {"id": "b"}]}))

    assert await rig.replica.list_model_ids() == {"a", "b"}


async def test_a_gateway_without_a_model_answers_503_and_that_is_no_trouble(rig: Rig) -> None:
    rig.gateway.will(LINE, (503, {"error": {"type": "server_error", "code": "no_models_available", "message": "No"}}))

    assert await rig.replica.list_model_ids() == frozenset()


@pytest.mark.parametrize(
    "answer",
    [(503, b"<html>Service Unavailable"), (503, {"error": {"code": "draining", "message": ""}}), (200, {"models": []})],
    ids=["a proxy's 503", "another 503", "another body"],
)
async def test_what_does_not_tell_is_not_taken_for_nothing(rig: Rig, answer: tuple[int, object]) -> None:
    rig.gateway.will(LINE, answer)

    with pytest.raises(Transient):
        await rig.replica.list_model_ids()
