"""One spelling for each URL, and a remedy for each that is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herder.net.urls import HTTP_SCHEMES, InvalidUrl, normalise_url, url_rules

SPELLINGS = {
    "as is": ("http://10.0.0.7:8000", "http://10.0.0.7:8000"),
    "upper-case scheme and host": ("HTTP://Worker-A.Example.COM:8000", "http://worker-a.example.com:8000"),
    "trailing slash": ("http://h/", "http://h"),
    "trailing slashes behind a path": ("http://h/w/one//", "http://h/w/one"),
    "default port of http": ("http://h:80/w", "http://h/w"),
    "default port of https": ("https://h:443", "https://h"),
    "the other scheme's port": ("https://h:80", "https://h:80"),
    "grpc has no default port": ("grpc://h:80", "grpc://h:80"),
    "path verbatim": ("http://h/W/One%2fTwo//x/../y", "http://h/W/One%2fTwo//x/../y"),
    "at sign in the path": ("http://h/@scope/pkg", "http://h/@scope/pkg"),
    "colon in the path": ("http://h/a:80", "http://h/a:80"),
    "IPv6": ("http://[FD00::7]:8000/", "http://[fd00::7]:8000"),
    "IPv6 that ends like a default port": ("http://[fd00::80]:80", "http://[fd00::80]"),
    "IPv6 with IPv4 inside": ("grpcs://[::ffff:10.0.0.7]:1", "grpcs://[::ffff:10.0.0.7]:1"),
    "underscore in the host": ("http://my_worker:8000", "http://my_worker:8000"),
    "highest port": ("http://h:65535", "http://h:65535"),
}

REFUSED = {
    "empty": ("", "start it with"),
    "no scheme": ("10.0.0.7:8000", "start it with"),
    "relative": ("/workers/a", "start it with"),
    "scheme-relative": ("//h:8000", "start it with"),
    "file": ("file:///etc/passwd", "start it with"),
    "ipc": ("ipc:///tmp/socket", "start it with"),
    "javascript": ("javascript://h/%0aalert", "start it with"),
    "leading blank": (" http://h", "start it with"),
    "one slash": ("http:/h", "start it with"),
    "user": ("http://user@h", "leave out user and password"),
    "user and password": ("http://user:sesame@h:80/x", "leave out user and password"),
    "empty user": ("http://@h", "leave out user and password"),
    "data-parallel rank": ("http://h:8000@0", "leave out user and password"),
    "query": ("http://h/w?key=1", "leave out query and fragment"),
    "empty query": ("http://h/w?", "leave out query and fragment"),
    "fragment": ("http://h/w#top", "leave out query and fragment"),
    "query right behind the host": ("http://h?x", "leave out query and fragment"),
    "no host": ("http://", "name a host"),
    "port without a host": ("http://:8000", "name a host"),
    "path without a host": ("http:///w", "name a host"),
    "port zero": ("http://h:0", "port from 1 to 65535"),
    "port too high": ("http://h:65536", "port from 1 to 65535"),
    "port of six digits": ("http://h:100000", "port from 1 to 65535"),
    "port in words": ("http://h:http", "port from 1 to 65535"),
    "negative port": ("http://h:-1", "port from 1 to 65535"),
    "empty port": ("http://h:/", "port from 1 to 65535"),
    "two ports": ("http://h:1:2", "name a host"),
    "host of dots": ("http://../w", "name a host"),
    "percent in the host": ("http://h%2eexample", "name a host"),
    "scope of an IPv6 address": ("http://[fe80::1%25eth0]", "name a host"),
    "IPv6 without brackets": ("http://fd00::7", "name a host"),
    "IPv6 unclosed": ("http://[fd00::7", "name a host"),
    "IPv6 that is none": ("http://[fd00:::7]", "complete IPv6 address"),
    "newline": ("http://h\n", "percent-encode"),
    "newline inside": ("http://h/a\r\nX-Evil: 1", "percent-encode"),
    "NUL": ("http://h/\x00", "percent-encode"),
    "blank": ("http://h/a b", "percent-encode"),
    "backslash": ("http://h\\@evil", "percent-encode"),
    "letters beyond ASCII": ("http://wörker", "percent-encode"),
}


@pytest.mark.parametrize(("url", "expected"), SPELLINGS.values(), ids=SPELLINGS)
def test_each_url_has_one_spelling(url: str, expected: str) -> None:
    assert normalise_url(url) == expected


@pytest.mark.parametrize(("url", "remedy"), REFUSED.values(), ids=REFUSED)
def test_a_refused_url_is_told_what_to_write_instead(url: str, remedy: str) -> None:
    with pytest.raises(InvalidUrl, match=remedy):
        normalise_url(url)


def test_a_refusal_never_repeats_the_url() -> None:
    with pytest.raises(InvalidUrl) as refusal:
        normalise_url("http://user:sesame@h")

    assert "sesame" not in str(refusal.value)


def test_only_the_schemes_asked_for_are_taken() -> None:
    with pytest.raises(InvalidUrl, match="start it with http:// or https://, such as http://"):
        normalise_url("grpc://h", HTTP_SCHEMES)


def test_patterns_keep_to_what_re2_reads_too() -> None:
    beyond_re2 = ("(?=", "(?!", "(?<", "(?P=", r"\1", r"\Z", "(?>", "++")

    assert not [rule.pattern for rule in url_rules() for token in beyond_re2 if token in rule.pattern]


@given(st.from_regex(r"(?i:https?|grpcs?)://[A-Za-z0-9.:/@?\[\]%_-]{0,24}", fullmatch=True))
def test_a_normalised_url_is_its_own_spelling(url: str) -> None:
    try:
        once = normalise_url(url)
    except InvalidUrl:
        return

    assert normalise_url(once) == once
