"""The tokenizers of the real gateway, and the traps that its way of loading them holds."""

from functools import partial
from pathlib import Path

import pytest

from herder.gateway.errors import Conflict, Gone
from herder.gateway.replica import Replica
from herder.gateway.tokenizers import Loading, LoadState, TokenizerRegistry
from herder.net.http import Http
from real.gateway.steps import NOWHERE, added, is_ready, until
from rig.gateway import Smg
from rig.tokenizers import tokens, write_tokenizer
from rig.workers import MockWorkers


async def ended(tokenizers: TokenizerRegistry, tokenizer_id: str) -> Loading:
    """Wait until a loading has ended, and return how."""

    async def has_ended() -> bool:
        return (await tokenizers.status(tokenizer_id)).status in {LoadState.COMPLETED, LoadState.FAILED}

    await until(has_ended)
    return await tokenizers.status(tokenizer_id)


async def is_unknown(tokenizers: TokenizerRegistry, tokenizer_id: str) -> bool:
    """Whether an id stands for nothing."""
    try:
        await tokenizers.status(tokenizer_id)
    except Gone:
        return True
    return False


@pytest.fixture
def tokenizers(replica: Replica) -> TokenizerRegistry:
    """The tokenizers of the shared replica."""
    return replica.tokenizers


async def test_a_tokenizer_is_listed_as_it_was_posted_and_used(
    smg: Smg, tokenizers: TokenizerRegistry, tmp_path: Path
) -> None:
    source = str(write_tokenizer(tmp_path / "t", "hello", "world"))

    tokenizer_id = await tokenizers.add_tokenizer("org/listed", source)
    loading = await ended(tokenizers, tokenizer_id)
    found = await tokenizers.find("org/listed")

    assert (loading.status, loading.vocab_size) == (LoadState.COMPLETED, 3)
    assert found is not None
    assert (found.id, found.source, found.vocab_size) == (tokenizer_id, source, 3)
    assert tokens(smg.url, "org/listed", "world hello you") == [2, 1, 0]


async def test_a_name_that_is_taken_is_a_conflict_with_the_id_that_has_it(
    tokenizers: TokenizerRegistry, tmp_path: Path
) -> None:
    source = str(write_tokenizer(tmp_path / "t", "hello"))
    first = await tokenizers.add_tokenizer("taken", source)
    await ended(tokenizers, first)

    with pytest.raises(Conflict, match="already exists") as caught:
        await tokenizers.add_tokenizer("taken", source)

    assert caught.value.worker_id == first


async def test_a_source_that_is_none_fails_after_seconds_with_a_reason_and_is_never_listed(
    tokenizers: TokenizerRegistry, tmp_path: Path
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "tokenizer.json").write_text("{nope")

    loading = await ended(tokenizers, await tokenizers.add_tokenizer("bad", str(tmp_path / "bad")))

    assert loading.status is LoadState.FAILED
    assert loading.reason.startswith("Failed to load tokenizer locally (Failed to load tokenizer: key must be a string")
    assert await tokenizers.find("bad") is None


async def test_a_chat_template_that_is_missing_is_said_too(tokenizers: TokenizerRegistry, tmp_path: Path) -> None:
    source = str(write_tokenizer(tmp_path / "t", "hello"))

    loading = await ended(tokenizers, await tokenizers.add_tokenizer("no-template", source, "/nowhere.jinja"))

    assert loading.status is LoadState.FAILED
    assert "Failed to read chat template file" in loading.reason


async def test_two_loadings_of_one_name_are_both_accepted_and_the_slower_one_fails(
    tokenizers: TokenizerRegistry, tmp_path: Path
) -> None:
    """The name is taken only when a loading has ended: of an answer that was lost a second POST says nothing."""
    slow = await tokenizers.add_tokenizer("race", str(tmp_path / "nowhere"))
    fast = await tokenizers.add_tokenizer("race", str(write_tokenizer(tmp_path / "t", "hello")))

    lost = await ended(tokenizers, slow)
    found = await tokenizers.find("race")

    assert (lost.status, lost.reason) == (LoadState.FAILED, f"Tokenizer 'race' already exists (id: {fast})")
    assert found is not None
    assert found.id == fast


async def test_what_is_still_being_loaded_can_not_be_deleted_and_appears(
    tokenizers: TokenizerRegistry, tmp_path: Path
) -> None:
    tokenizer_id = await tokenizers.add_tokenizer("late", str(tmp_path / "late"))

    with pytest.raises(Gone):
        await tokenizers.delete_tokenizer(tokenizer_id)
    write_tokenizer(tmp_path / "late", "hello")
    loading = await ended(tokenizers, tokenizer_id)

    assert loading.status is LoadState.COMPLETED
    assert await tokenizers.find("late") is not None


async def test_a_deleted_tokenizer_is_gone_at_once_and_its_status_soon(
    tokenizers: TokenizerRegistry, tmp_path: Path
) -> None:
    """Its job counts as under way for a tenth of a second after it was loaded."""
    tokenizer_id = await tokenizers.add_tokenizer("deleted", str(write_tokenizer(tmp_path / "t", "hello")))
    await ended(tokenizers, tokenizer_id)

    await tokenizers.delete_tokenizer(tokenizer_id)

    assert await tokenizers.find("deleted") is None
    await until(partial(is_unknown, tokenizers, tokenizer_id))
    with pytest.raises(Gone):
        await tokenizers.delete_tokenizer(tokenizer_id)


async def test_an_id_that_was_never_given_is_gone(tokenizers: TokenizerRegistry) -> None:
    with pytest.raises(Gone):
        await tokenizers.status(NOWHERE)


async def test_a_tokenizer_that_fails_leaves_the_gateway_ready(
    own_smg: Smg, http: Http, mock_workers: MockWorkers, tmp_path: Path
) -> None:
    """Unlike that of a gRPC worker, which takes the replica out of service."""
    replica = Replica(own_smg.url, http)
    await added(replica, mock_workers.add("a").url)
    await is_ready(replica)

    loading = await ended(replica.tokenizers, await replica.tokenizers.add_tokenizer("bad", str(tmp_path / "none")))

    assert loading.status is LoadState.FAILED
    assert (await replica.readiness()).ready


async def test_a_restarted_gateway_knows_no_tokenizer_and_no_job(own_smg: Smg, tmp_path: Path, http: Http) -> None:
    tokenizers = Replica(own_smg.url, http).tokenizers
    tokenizer_id = await tokenizers.add_tokenizer("kept", str(write_tokenizer(tmp_path / "t", "hello")))
    await ended(tokenizers, tokenizer_id)

    own_smg.restart()

    assert await tokenizers.list_tokenizers() == ()
    with pytest.raises(Gone):
        await tokenizers.status(tokenizer_id)
