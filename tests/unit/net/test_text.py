"""What an upstream says becomes one short printable line, whatever it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herder.net.text import untrusted

LINES = {
    "as it is": ("bad request", "bad request"),
    "line breaks and tabs": ("a\r\n\tb\n\nc ", "a b c"),
    "terminal escapes": ("\x1b[31mred\x1b[0m\x07", "[31mred[0m"),
    "NUL and DEL": ("a\x00b\x7fc", "abc"),
    "C1 controls": ("a\x9b31mb", "a31mb"),
    "right-to-left override": ("gpj\u202eexe", "gpjexe"),
    "zero width": ("a\u200bb\ufeffc", "abc"),
    "line separator": ("a\u2028b", "a b"),
    "lone surrogate": ("a\ud800b", "ab"),
    "umlauts stay": ("ungültig", "ungültig"),
}


@pytest.mark.parametrize(("text", "line"), LINES.values(), ids=LINES.keys())
def test_a_text_becomes_one_printable_line(text: str, line: str) -> None:
    assert untrusted(text) == line


@given(st.text(max_size=300), st.integers(min_value=1, max_value=50))
def test_no_text_is_longer_than_its_limit_or_unprintable(text: str, limit: int) -> None:
    line = untrusted(text, limit=limit)

    assert len(line) <= limit
    assert line.isprintable()


def test_a_text_that_is_cut_says_so() -> None:
    assert untrusted("x" * 11, limit=10) == "x" * 9 + "…"


def test_a_megabyte_is_cut_like_any_other_text() -> None:
    assert untrusted("x " * 500_000, limit=4) == "x x…"


def test_a_secret_that_is_echoed_is_blotted_out_also_where_the_cut_would_split_it() -> None:
    line = untrusted("key s3cr3t is wrong, s3cr3t", limit=15, secrets=("s3cr3t", ""))

    assert line == "key [redacted]…"
