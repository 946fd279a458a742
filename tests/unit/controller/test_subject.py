"""One WorkerRegistration as it is on the API server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from herder.api.conditions import ReadyReason
from herder.controller.known.holders import holder_in
from herder.controller.known.objects import Body, Key, Objects
from herder.controller.known.subject import Subject, conflict_of, subject_of

KEY = Key("WorkerRegistration", "ns", "a")
CREATED = "2030-01-01T12:00:00Z"
DELETED_AT = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


def body(name: str = "a", url: str = "http://w", spec: dict[str, Any] | None = None, **metadata: Any) -> Body:
    return {
        "kind": KEY.kind,
        "metadata": {
            "namespace": "ns",
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": CREATED,
            **metadata,
        },
        "spec": {"gatewayRef": {"name": "gw"}, "url": url, **(spec or {})},
    }


def subject(found: Body) -> Subject:
    return subject_of(Key.of(found), found, "cluster")


def inputs(found: Body, spec_hash: str = "hash", endpoints: tuple[str, ...] = ("http://1", "http://2")) -> str:
    return subject(found).inputs(spec_hash, endpoints)


CHANGES: dict[str, tuple[Body, bool]] = {
    "nothing": (body(), False),
    "a new version": (body(resourceVersion="2"), False),
    "an annotation that says nothing": (body(annotations={"note": "1"}), False),
    "a cancellation": (body(annotations={"herder.dev/cancel": "1"}), False),
    "a generation": (body(generation=2), True),
    "a retry": (body(annotations={"herder.dev/retry": "1"}), True),
    "a permission to adopt": (body(annotations={"herder.dev/adopt": "true"}), True),
}


@pytest.mark.parametrize(("changed", "counts"), CHANGES.values(), ids=CHANGES)
def test_what_a_run_works_with(changed: Body, counts: bool) -> None:
    assert (inputs(changed) != inputs(body())) is counts


def test_a_run_works_with_the_replicas_whatever_their_order_and_with_what_is_sent() -> None:
    assert inputs(body(), endpoints=("http://2", "http://1")) == inputs(body())
    assert inputs(body(), endpoints=("http://1",)) != inputs(body())
    assert inputs(body(), spec_hash="another") != inputs(body())


@pytest.mark.parametrize("word", ["retry", "cancel"])
def test_each_token_asks_once(word: str) -> None:
    asked = body(annotations={f"herder.dev/{word}": "t1"})
    done = asked | {"status": {"lastHandled": {word: "t1"}}}
    again = body(annotations={f"herder.dev/{word}": "t2"}) | {"status": done["status"]}

    def asks(found: Body) -> bool:
        return bool(getattr(subject(found), f"asks_{word}"))

    assert [asks(body()), asks(asked), asks(done), asks(again)] == [False, True, False, True]


def test_an_endless_token_asks_once_too() -> None:
    asked = body(annotations={"herder.dev/retry": "t" * 5000})
    token = subject(asked).retry
    done = asked | {"status": {"lastHandled": {"retry": token}}}

    assert subject(asked).asks_retry
    assert not subject(done).asks_retry


FORCED = {"drain": {"timeoutSeconds": 60}}
KEPT = {"drain": {"timeoutSeconds": 60, "onTimeout": "Keep"}}
DEADLINES: dict[str, tuple[Body, float, float | None]] = {
    "not deleted": (body(spec=FORCED), 0, None),
    "deleted a while ago": (body(spec=FORCED, deletionTimestamp=CREATED), 20, 40.0),
    "its time is up": (body(spec=FORCED, deletionTimestamp=CREATED), 60, 0.0),
    "its time is long up": (body(spec=FORCED, deletionTimestamp=CREATED), 3600, 0.0),
    "kept": (body(spec=KEPT, deletionTimestamp=CREATED), 3600, None),
    "not to be read": (body(url="ftp://w", deletionTimestamp=CREATED), 100, 200.0),
    "not to be read, but for how it is drained": (
        body(url="ftp://w", spec=KEPT, deletionTimestamp=CREATED),
        3600,
        None,
    ),
    "how it is drained not to be read": (
        body(spec={"drain": {"timeoutSeconds": "x"}}, deletionTimestamp=CREATED),
        300,
        0.0,
    ),
}


@pytest.mark.parametrize(("found", "after_s", "left_s"), DEADLINES.values(), ids=DEADLINES)
def test_how_long_a_removal_may_yet_take(found: Body, after_s: float, left_s: float | None) -> None:
    assert subject(found).overdue_in_s(DELETED_AT + timedelta(seconds=after_s)) == left_s


def test_a_spec_that_can_not_be_read_is_said_and_the_rest_is_still_known() -> None:
    found = subject(body(url="ftp://w", finalizers=["herder.dev/deregister"]))

    assert found.invalid is not None
    assert found.invalid.reason is ReadyReason.INVALID_SPEC
    assert "spec.url" in found.invalid.message
    assert (found.spec, found.has_finalizer, found.gateway) == (None, True, Key("ModelGateway", "ns", "gw"))


def test_a_status_that_another_version_wrote_counts_as_none() -> None:
    found = subject(body() | {"status": {"workflow": {"name": "x", "status": "Dancing"}}})

    assert found.status.dump() == subject(body()).status.dump()


REGISTERED = {"status": {"worker": {"url": "http://w"}}}
RIVALS: dict[str, tuple[Body, Body, str]] = {
    "the older wins": (body("b"), body("a", creationTimestamp="2030-01-01T12:00:01Z"), "b"),
    "in another time zone, too": (body("b"), body("a", creationTimestamp="2030-01-01T11:00:01-01:00"), "b"),
    "within one second the first that was begun with": (body("b") | REGISTERED, body("a"), "b"),
    "within one second, none was begun with": (body("b"), body("a"), "a"),
    "the URL is spelt in another way": (body("a", "http://W:80/"), body("b"), "a"),
}


@pytest.mark.parametrize(("one", "other", "winner"), RIVALS.values(), ids=RIVALS)
def test_of_two_with_one_url_one_wins_and_the_other_names_it(one: Body, other: Body, winner: str) -> None:
    objects = Objects()
    objects.put(one)
    objects.put(other)

    found = {str(each["metadata"]["name"]): conflict_of(subject(each), objects) for each in (one, other)}

    (loser,) = (name for name in found if name != winner)
    blocked = found[loser]
    assert found[winner] is None
    assert blocked is not None
    assert blocked.reason is ReadyReason.CONFLICT
    assert f"WorkerRegistration {winner} " in blocked.message


@pytest.mark.parametrize(
    "other",
    [body("b", "http://other"), body("b", spec={"gatewayRef": {"name": "elsewhere"}}), body("b", namespace="other")],
    ids=["another URL", "another gateway", "another namespace"],
)
def test_what_is_elsewhere_is_no_rival(other: Body) -> None:
    objects = Objects()
    objects.put(other)
    younger = body("a", creationTimestamp="2040-01-01T12:00:00Z")
    objects.put(younger)

    assert conflict_of(subject(younger), objects) is None


@pytest.mark.parametrize(
    ("namespace", "named"),
    [("ns", "WorkerRegistration ns/b"), ("other", "a WorkerRegistration of another namespace")],
    ids=["of its own namespace", "of another"],
)
def test_who_has_an_entry_is_named_within_the_namespace_only(namespace: str, named: str) -> None:
    objects, holder = Objects(), body("b", namespace=namespace)
    objects.put(holder)

    assert holder_in(objects, subject(body()))(subject(holder).owner, "id") == named
