"""Whose an entry is."""

from dataclasses import replace

import pytest

from herder.workflows.owner import Owner
from unit.workflows.made import OWNER, STRANGER


def test_a_label_is_read_as_it_was_written() -> None:
    assert Owner.of(OWNER.label) == OWNER


@pytest.mark.parametrize("text", ["", "cluster/ns/name", "cluster/ns/name/uid/more", "cluster//name/uid", "just words"])
def test_a_label_of_another_shape_names_nobody(text: str) -> None:
    assert Owner.of({"herder.dev/owner": text}) is None


def test_an_entry_without_the_label_is_nobodys() -> None:
    assert Owner.of({"smg.ai/pod-uid": "u"}) is None
    assert not OWNER.claims({})


@pytest.mark.parametrize(
    ("other", "claimed"),
    [
        (OWNER, True),
        (replace(OWNER, uid="former"), True),
        (STRANGER, False),
        (replace(OWNER, namespace="elsewhere"), False),
        (replace(OWNER, installation="another cluster"), False),
    ],
    ids=["its own", "its former self's", "another name", "another namespace", "another installation"],
)
def test_a_resource_claims_what_its_name_in_its_installation_made(other: Owner, claimed: bool) -> None:
    assert OWNER.claims(other.label) is claimed
