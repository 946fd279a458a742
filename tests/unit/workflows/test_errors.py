"""What a status shows of each error, and whether it is tried again."""

import pytest

from herder.engine import StepTimeoutError
from herder.gateway import errors as gateway
from herder.net import errors as net
from herder.net.address import AddressPolicy
from herder.workflows.errors import Permanent, Problem, Transient, Waiting, problem_of

ROWS: dict[str, tuple[Exception, str, bool]] = {
    "own, permanent": (Permanent("ModelNotServed", "x"), "ModelNotServed", False),
    "own, transient": (Transient("NoModels", "x"), "NoModels", True),
    "own, waiting": (Waiting("Draining", "x"), "Draining", True),
    "no answer of a replica": (gateway.Unavailable("x"), "GatewayUnreachable", True),
    "a replica's bad answer": (gateway.Transient("x"), "GatewayError", True),
    "pending": (gateway.StillPending("x"), "WorkerPending", True),
    "busy": (gateway.Busy("x"), "Applying", True),
    "key refused": (gateway.Unauthorized("x"), "GatewayRefuses", False),
    "bad request": (gateway.Permanent("x"), "GatewayRefused", False),
    "address of a replica": (gateway.Refused("x"), "GatewayRefused", False),
    "conflict": (gateway.Conflict("x"), "GatewayConflict", True),
    "draining": (gateway.Draining("x"), "Draining", True),
    "gone": (gateway.Gone("x"), "WorkerGone", True),
    "address of a worker": (net.AddressRefused("x"), "AddressRefused", False),
    "certificate of a worker": (net.TlsRefused("x"), "TlsRefused", False),
    "no TLS at a worker": (net.NotTls("x"), "BadAnswer", False),
    "no HTTP at a worker": (net.NotHttp("x"), "BadAnswer", True),
    "no gRPC at a worker": (net.NotGrpc("x"), "BadAnswer", True),
    "no answer of a worker": (net.Unreachable("x"), "WorkerUnreachable", True),
    "late answer of a worker": (net.DeadlineExceeded("x"), "WorkerUnreachable", True),
    "redirect": (net.Redirected("x"), "WorkerUnreachable", True),
    "too much": (net.BodyTooLarge("x"), "WorkerUnreachable", True),
    "a step's time is up": (StepTimeoutError("verify", 30.0), "StepTimeout", True),
}


@pytest.mark.parametrize(("error", "reason", "retryable"), ROWS.values(), ids=ROWS)
def test_an_error_has_a_reason_and_says_whether_to_try_again(error: Exception, reason: str, retryable: bool) -> None:
    problem = problem_of(error)

    assert (problem.reason, problem.retryable) == (reason, retryable)
    assert problem.message.startswith(str(error))


def test_what_a_person_must_mend_names_the_field() -> None:
    assert "spec.auth.apiKeySecretRef of the ModelGateway" in problem_of(gateway.Unauthorized("401")).message


def test_the_text_of_an_error_that_nobody_foresaw_stays_in_the_log() -> None:
    problem = problem_of(KeyError("s3cret"))

    assert problem == Problem("InternalError", "KeyError in herder itself; its log has the details", retryable=True)


@pytest.mark.parametrize(
    ("url_host", "text"),
    [
        pytest.param(
            "169.254.169.254",
            "169.254.169.254 is a link-local address, which herder never connects to; correct spec.url",
            id="nothing permits it",
        ),
        pytest.param(
            "127.0.0.1",
            "127.0.0.1 is a loopback address; correct spec.url, or start herder with --allow-loopback if that is meant "
            "and set the annotation herder.dev/retry to a new value",
            id="a flag permits it",
        ),
    ],
)
def test_a_refused_address_has_only_remedies_that_help(url_host: str, text: str) -> None:
    with pytest.raises(net.AddressRefused) as caught:
        AddressPolicy().check_literal(url_host)

    assert problem_of(caught.value).message == text
