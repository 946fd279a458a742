"""What is told of objects: only news is taken, and everybody whom it concerns is looked at."""

from typing import Any

import pytest

from herder.controller.known.intake import Intake
from herder.controller.known.objects import Key, Objects, uid_of
from herder.controller.known.queue import WorkQueue

A, B = (Key("WorkerRegistration", "ns", name) for name in "ab")


def worker(key: Key, version: int = 1, url: str = "http://worker:8000") -> dict[str, Any]:
    metadata = {"namespace": key.namespace, "name": key.name, "uid": key.name, "resourceVersion": str(version)}
    return {"kind": key.kind, "metadata": metadata, "spec": {"gatewayRef": {"name": "gw"}, "url": url}}


class Queue(WorkQueue):
    """A queue that notes what is added to it."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[Key] = []

    def add(self, key: Key) -> None:
        self.added.append(key)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def intake(queue: Queue) -> Intake:
    return Intake(Objects(), queue)


def test_what_is_known_already_is_no_news(intake: Intake, queue: Queue) -> None:
    intake.seen(worker(A, 2))
    queue.added.clear()

    intake.seen(worker(A, 2))
    intake.seen(worker(A, 1))
    intake.gone(worker(B))

    assert queue.added == []


@pytest.mark.parametrize("url", ["http://worker:8000", "http://elsewhere:8000"], ids=["it joins", "it leaves"])
def test_a_rival_of_before_or_of_now_is_looked_at_too(intake: Intake, queue: Queue, url: str) -> None:
    intake.seen(worker(A))
    intake.seen(worker(B, 1))
    queue.added.clear()

    intake.seen(worker(B, 2, url))

    assert sorted(queue.added, key=str) == [A, B]


def test_what_is_kept_for_an_object_is_freed_before_anybody_looks_again(intake: Intake, queue: Queue) -> None:
    told: list[tuple[str, list[Key]]] = []
    intake.at_end(lambda key, body: told.append((f"{key.name} {uid_of(body)}", list(queue.added))))
    intake.seen(worker(A))
    queue.added.clear()

    intake.gone(worker(A))

    assert told == [("a a", [])]
    assert queue.added == [A]


def test_one_that_took_the_name_of_another_frees_what_was_kept_for_that(intake: Intake) -> None:
    told: list[tuple[Key, str]] = []
    intake.at_end(lambda key, body: told.append((key, uid_of(body))))
    former, later = worker(A, 1), worker(A, 3)
    later["metadata"]["uid"] = "another"
    intake.seen(former)

    intake.seen(later)  # and of the deletion in between nobody tells
    intake.seen(worker(A, 2))
    intake.gone(former)

    assert told == [(A, "a")]
