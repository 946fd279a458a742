"""What a spec becomes when it is parsed, and what is said when it can't be."""

from types import MappingProxyType

import pytest

from herder.api.base import InvalidResource, parse
from herder.api.gateway import ModelGatewaySpec
from herder.api.served import OnTimeout
from herder.api.worker import ConnectionMode, Runtime, WorkerRegistrationSpec
from unit.api.manifests import ACCEPTED, GATEWAY, MODELS, REFUSED, WORKER, Case, as_params


@pytest.mark.parametrize("case", as_params(ACCEPTED))
def test_a_right_spec_is_taken_and_reads_back_equal(case: Case) -> None:
    spec = parse(MODELS[case.kind], case.spec, unknown="forbid")

    assert parse(MODELS[case.kind], spec.dump(), unknown="forbid") == spec


@pytest.mark.parametrize("case", as_params(REFUSED))
def test_a_wrong_spec_is_refused_with_path_and_remedy(case: Case) -> None:
    with pytest.raises(InvalidResource) as refusal:
        parse(MODELS[case.kind], case.spec)

    assert [problem.path for problem in refusal.value.problems] == [case.path]
    assert case.parser_says in refusal.value.problems[0].remedy


def test_every_wrong_field_is_told_at_once() -> None:
    with pytest.raises(InvalidResource) as refusal:
        parse(WorkerRegistrationSpec, {"url": "h", "cost": "x", "health": {"timeoutSeconds": "x"}})

    assert [problem.path for problem in refusal.value.problems] == [
        "spec.gatewayRef",
        "spec.url",
        "spec.cost",
        "spec.health.timeoutSeconds",
    ]
    assert str(refusal.value).startswith("spec.gatewayRef: write it, the field is required; spec.url: start it with")


def test_a_refusal_never_repeats_a_value() -> None:
    with pytest.raises(InvalidResource) as refusal:
        parse(WorkerRegistrationSpec, {**WORKER, "url": "http://u:sesame@h", "cost": "sesame", "runtime": "sesame"})

    assert "sesame" not in f"{refusal.value} {refusal.value.problems} {refusal.value.__cause__}"


def test_a_field_that_the_model_does_not_know_is_ignored() -> None:
    spec = parse(WorkerRegistrationSpec, {**WORKER, "fromTheFuture": 1, "drain": {"fromTheFuture": 1}})

    assert spec == parse(WorkerRegistrationSpec, WORKER)


def test_a_field_that_the_model_does_not_know_is_refused_where_asked() -> None:
    with pytest.raises(InvalidResource, match=r"^spec\.drain\.settle: remove it, there is no such field$"):
        parse(WorkerRegistrationSpec, {**WORKER, "drain": {"settle": 1}}, unknown="forbid")


def test_any_mapping_can_be_parsed() -> None:
    assert parse(WorkerRegistrationSpec, MappingProxyType(WORKER)).gateway_ref.name == "shepherd"


def test_a_url_is_normalised_when_parsed() -> None:
    assert parse(WorkerRegistrationSpec, {**WORKER, "url": "HTTP://H:80/w/"}).url == "http://h/w"
    assert parse(ModelGatewaySpec, {"endpoints": ["HTTPS://GW:443/"]}).endpoints == ("https://gw",)


def test_endpoints_that_are_one_when_normalised_are_refused() -> None:
    with pytest.raises(
        InvalidResource, match="write each replica once; another of these URLs is the same as http://gw"
    ):
        parse(ModelGatewaySpec, {"endpoints": ["http://gw", "http://GW:80/"]})


def test_the_smallest_worker_has_the_defaults() -> None:
    spec = parse(WorkerRegistrationSpec, WORKER)

    assert (spec.runtime, spec.connection_mode, spec.priority, spec.cost) == (
        Runtime.AUTO,
        ConnectionMode.AUTO,
        50,
        "1.0",
    )
    assert (spec.drain.settle_seconds, spec.drain.timeout_seconds, spec.drain.on_timeout) == (5, 300, OnTimeout.FORCE)
    assert (spec.startup.timeout_seconds, spec.models, spec.labels, spec.suspend) == (1800, (), {}, False)
    assert spec.health.dump() == {}


def test_the_smallest_gateway_is_compared_every_ten_seconds() -> None:
    assert parse(ModelGatewaySpec, GATEWAY).resync_seconds == 10
