"""The registry of tokenizers: what is sent, and what a replica's answers come to."""

import asyncio

import pytest

from herder.gateway.errors import Conflict, Gone, Permanent, Transient
from herder.gateway.tokenizers import LoadState, Tokenizer, TokenizerRegistry
from unit.gateway.fake import ID, OTHER_ID, Rig

LIST = "GET /v1/tokenizers"
POST = "POST /v1/tokenizers"
STATUS = f"GET /v1/tokenizers/{ID}/status"
DELETE = f"DELETE /v1/tokenizers/{ID}"
LISTED = {"id": ID, "name": "org/model", "source": "/models/m", "vocab_size": 3}
OTHER = {"id": OTHER_ID, "name": "other", "source": "org/other"}
MISSING = (404, {"error": {"message": f"Tokenizer '{ID}' not found and no pending job", "type": "not_found"}})
PREAMBLE = "Workflow failed at step load_tokenizer: Step failed: load_tokenizer - "


@pytest.fixture
def tokenizers(rig: Rig) -> TokenizerRegistry:
    """The tokenizers of the rig's replica."""
    return rig.replica.tokenizers


async def test_all_that_are_loaded_are_listed(rig: Rig, tokenizers: TokenizerRegistry) -> None:
    rig.gateway.will(LIST, (200, {"tokenizers": [LISTED, OTHER]}))

    listed = await tokenizers.list_tokenizers()

    assert listed == (
        Tokenizer(id=ID, name="org/model", source="/models/m", vocab_size=3),
        Tokenizer(id=OTHER_ID, name="other", source="org/other"),
    )


async def test_those_who_ask_at_the_same_time_share_one_read(rig: Rig, tokenizers: TokenizerRegistry) -> None:
    rig.gateway.will(LIST, (200, {"tokenizers": [LISTED]}))

    await asyncio.gather(*(tokenizers.list_tokenizers() for _ in range(10)))

    assert rig.gateway.count(LIST) <= 2


async def test_a_name_is_looked_up_in_the_list_and_never_becomes_part_of_a_url(
    rig: Rig, tokenizers: TokenizerRegistry
) -> None:
    rig.gateway.will(LIST, (200, {"tokenizers": [OTHER, LISTED]}))

    found, missing = await tokenizers.find("org/model"), await tokenizers.find("../workers")

    assert found is not None
    assert (found.id, missing) == (ID, None)
    assert set(rig.gateway.lines) == {LIST}


@pytest.mark.parametrize(
    ("template", "body"),
    [
        (None, {"name": "m", "source": "/models/m"}),
        ("/t.jinja", {"name": "m", "source": "/models/m", "chat_template_path": "/t.jinja"}),
    ],
    ids=["without a template", "with one"],
)
async def test_a_loading_is_asked_for_and_has_an_id(
    rig: Rig, tokenizers: TokenizerRegistry, template: str | None, body: object
) -> None:
    rig.gateway.will(POST, (202, {"id": ID, "status": "pending", "message": "submitted"}))

    tokenizer_id = await tokenizers.add_tokenizer("m", "/models/m", template)

    assert tokenizer_id == ID
    assert rig.gateway.asked[0].body == body


async def test_a_name_that_is_taken_is_a_conflict_with_the_id_that_has_it(
    rig: Rig, tokenizers: TokenizerRegistry
) -> None:
    rig.gateway.will(POST, (409, {"id": ID, "status": "failed", "message": "Tokenizer 'm' already exists"}))

    with pytest.raises(Conflict, match="Tokenizer 'm' already exists") as caught:
        await tokenizers.add_tokenizer("m", "/models/m")

    assert caught.value.worker_id == ID


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", LoadState.PENDING),
        ("processing", LoadState.PROCESSING),
        ("completed", LoadState.COMPLETED),
        ("failed", LoadState.FAILED),
        ("hatching", LoadState.UNKNOWN),
    ],
)
async def test_a_status_says_how_the_loading_stands(
    rig: Rig, tokenizers: TokenizerRegistry, word: str, state: LoadState
) -> None:
    rig.gateway.will(STATUS, (200, {"id": ID, "status": word, "message": "so it is", "vocab_size": 3}))

    loading = await tokenizers.status(ID)

    assert (loading.id, loading.status, loading.vocab_size) == (ID, state, 3)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (PREAMBLE + "tokenizer source cannot be empty", "tokenizer source cannot be empty"),
        ("Job timed out\n\x1b[31mafter 600 s", "Job timed out [31mafter 600 s"),
        ("", "no reason"),
        (PREAMBLE + "x" * 5000, "x" * 399 + "…"),
    ],
    ids=["the job's preamble goes", "one printable line", "none", "not too long"],
)
async def test_a_failure_has_a_reason_for_people(
    rig: Rig, tokenizers: TokenizerRegistry, message: str, reason: str
) -> None:
    rig.gateway.will(STATUS, (200, {"id": ID, "status": "failed", "message": message}))

    assert (await tokenizers.status(ID)).reason == reason


async def test_an_id_that_stands_for_nothing_is_gone(rig: Rig, tokenizers: TokenizerRegistry) -> None:
    rig.gateway.will(STATUS, MISSING)
    rig.gateway.will(DELETE, (404, {"success": False, "message": f"Tokenizer '{ID}' not found"}))

    with pytest.raises(Gone):
        await tokenizers.status(ID)
    with pytest.raises(Gone):
        await tokenizers.delete_tokenizer(ID)


async def test_a_tokenizer_is_deleted_by_its_id(rig: Rig, tokenizers: TokenizerRegistry) -> None:
    rig.gateway.will(DELETE, (200, {"success": True, "message": "removed"}))

    await tokenizers.delete_tokenizer(ID)

    assert rig.gateway.lines == [DELETE]


@pytest.mark.parametrize("tokenizer_id", ["", "m", "../workers", f"{ID}/status", ID.upper() + "A", "%2e%2e"])
async def test_nothing_but_an_id_becomes_part_of_a_url(
    rig: Rig, tokenizers: TokenizerRegistry, tokenizer_id: str
) -> None:
    """The gateway takes a name for an id, too, and by then the name may be another's."""
    with pytest.raises(Permanent, match="is not a tokenizer's id"):
        await tokenizers.delete_tokenizer(tokenizer_id)
    with pytest.raises(Permanent, match="is not a tokenizer's id"):
        await tokenizers.status(tokenizer_id)

    assert rig.gateway.lines == []


async def test_a_list_that_is_none_is_no_empty_list(rig: Rig, tokenizers: TokenizerRegistry) -> None:
    rig.gateway.will(LIST, (200, {"data": []}))

    with pytest.raises(Transient, match="tokenizers: Field required"):
        await tokenizers.list_tokenizers()
