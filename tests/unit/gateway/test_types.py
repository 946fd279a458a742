"""What a replica says: tolerant of what a newer gateway adds, strict about what herder acts on."""

import pytest
from pydantic import ValidationError

from herder.gateway.types import JobStatus, Worker, WorkerStatus, url_key
from unit.gateway.fake import item, running


@pytest.mark.parametrize("word", ["pending", "ready", "not_ready", "failed", "draining"])
def test_every_status_of_the_gateway_is_known(word: str) -> None:
    assert Worker.model_validate(item(word)).status == word


def test_words_and_fields_of_a_newer_gateway_are_read_past() -> None:
    job = running("AddWorker") | {"status": "paused"}

    worker = Worker.model_validate(item("hibernating", job_status=job, brand_new={"x": 1}))

    assert worker.status is WorkerStatus.UNKNOWN
    assert worker.job is not None
    assert worker.job.status is JobStatus.UNKNOWN
    assert not worker.job.is_running


def test_a_pending_item_that_holds_only_defaults_is_read() -> None:
    worker = Worker.model_validate(item("pending", runtime_type="unspecified", job_status=running("AddWorker")))

    assert (worker.models, worker.labels, worker.model_id) == ((), {}, None)
    assert worker.job is not None
    assert worker.job.is_running


@pytest.mark.parametrize("name", ["id", "url", "status", "priority", "cost", "worker_type"])
def test_an_item_without_what_herder_acts_on_is_no_worker(name: str) -> None:
    incomplete = {key: value for key, value in item().items() if key != name}

    with pytest.raises(ValidationError):
        Worker.model_validate(incomplete)


KEYS = {
    "as posted": ({"url": "http://h:1"}, "http://h:1"),
    "trailing slash": ({"url": "http://h:1/"}, "http://h:1"),
    "upper case": ({"url": "HTTP://H:1"}, "http://h:1"),
    "a rank": ({"url": "http://h:1@0", "dp_base_url": "http://h:1/", "dp_rank": 0, "dp_size": 2}, "http://h:1"),
    "a URL that herder would not take": ({"url": "ipc:///tmp/engine"}, "ipc:///tmp/engine"),
}


@pytest.mark.parametrize(("fields", "key"), KEYS.values(), ids=KEYS.keys())
def test_entries_are_known_by_the_url_that_was_declared(fields: dict[str, object], key: str) -> None:
    assert Worker.model_validate(item() | fields).key == key


def test_a_worker_cannot_be_changed() -> None:
    worker = Worker.model_validate(item())

    with pytest.raises(ValidationError):
        worker.status = WorkerStatus.FAILED


def test_what_is_no_url_is_its_own_key() -> None:
    assert url_key("http://user@h") == "http://user@h"
