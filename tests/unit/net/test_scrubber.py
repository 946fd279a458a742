"""The scrubber: what was learned is blotted out in every spelling, and nothing else is."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herder.net.scrubber import MIN_CHARS, Scrubber
from herder.net.text import REDACTED

KEY = 'cana"ry/ü-5f0e'
PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIICdgIBADANBgkqhkiG\nAgEAAoGBALzcanary7Vw\n-----END PRIVATE KEY-----\n"

SPELLINGS = {
    "as it is": KEY,
    "in a header": f"Authorization: Bearer {KEY}",
    "in JSON": json.dumps({"api_key": KEY}),
    "in JSON as UTF-8": json.dumps({"api_key": KEY}, ensure_ascii=False),
    "in a URL": f"https://h/?key={quote(KEY, safe='')}&x=1",
    "as a Secret holds it": base64.b64encode(KEY.encode()).decode(),
    "twice": f"{KEY} and {KEY}",
    "twice without a blank": KEY + KEY,
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_learned_value_is_blotted_out_in_every_spelling(text: str) -> None:
    scrubber = Scrubber()
    scrubber.learn([KEY])

    scrubbed = scrubber.scrub(text)

    assert REDACTED in scrubbed
    assert "cana" not in scrubbed
    assert base64.b64encode(KEY.encode()).decode()[:8] not in scrubbed


def test_what_stands_around_it_stays() -> None:
    scrubber = Scrubber()
    scrubber.learn(["sesame-open"])

    assert scrubber.scrub("key sesame-open, then more") == f"key {REDACTED}, then more"


def test_of_two_values_that_begin_alike_the_longer_is_blotted_out_whole() -> None:
    scrubber = Scrubber()
    scrubber.learn(["sesame-1", "sesame-1-and-more"])

    assert scrubber.scrub("sesame-1-and-more sesame-1") == f"{REDACTED} {REDACTED}"


def test_the_token_of_a_header_is_found_without_its_scheme() -> None:
    scrubber = Scrubber()
    scrubber.learn(["Bearer canary-77aa"])

    assert "canary" not in scrubber.scrub("the server says: unknown token canary-77aa")


def test_each_line_of_a_private_key_is_found_by_itself() -> None:
    scrubber = Scrubber()
    scrubber.learn([PRIVATE])

    assert "canary" not in scrubber.scrub("could not parse AgEAAoGBALzcanary7Vw at line 3")


def test_a_bundle_of_certificates_is_no_secret() -> None:
    line = "MIIBszCCAVmgAwIBAgIU"
    scrubber = Scrubber()
    scrubber.learn([f"-----BEGIN CERTIFICATE-----\n{line}\n-----END CERTIFICATE-----"])

    assert scrubber.scrub(line) == line


@pytest.mark.parametrize("value", ["", "  ", "true", "x" * (MIN_CHARS - 1)])
def test_what_is_too_short_to_be_a_secret_blots_nothing_out(value: str) -> None:
    scrubber = Scrubber()
    scrubber.learn([value])

    assert scrubber.scrub("it is true: xxxxx and more") == "it is true: xxxxx and more"


def test_the_values_that_were_read_last_are_kept() -> None:
    scrubber = Scrubber(max_values=2)

    scrubber.learn(["first-value", "second-value", "first-value", "third-value"])

    shown = scrubber.scrub("first-value second-value third-value")
    assert shown == f"{REDACTED} second-value {REDACTED}"


def test_whatever_a_line_holds_is_scrubbed() -> None:
    class Thing:
        def __repr__(self) -> str:
            return "Thing(canary-1)"

    scrubber = Scrubber()
    scrubber.learn(["canary-1"])
    held = {"canary-1": ["canary-1", ("x canary-1",)], "thing": Thing(), "n": 1, "none": None, "b": b"canary-1"}

    scrubbed = scrubber.scrub_all(held)

    assert "canary" not in str(scrubbed)
    assert isinstance(scrubbed, dict)
    assert (scrubbed["n"], scrubbed["none"]) == (1, None)


def test_it_shows_no_value_of_its_own() -> None:
    scrubber = Scrubber()
    scrubber.learn(["canary-1"])

    assert "canary" not in f"{scrubber!r} {scrubber}"


@given(st.lists(st.text(min_size=MIN_CHARS, max_size=30), max_size=8), st.text(max_size=30), st.text(max_size=30))
def test_no_learned_value_is_left_whatever_is_around_it(values: list[str], before: str, after: str) -> None:
    scrubber = Scrubber()
    scrubber.learn(values)

    for value in values:
        known = value.strip()
        if len(known) >= MIN_CHARS and known not in REDACTED and REDACTED not in known:
            assert known not in scrubber.scrub(f"{before}{known}{after}").replace(REDACTED, "\0")
