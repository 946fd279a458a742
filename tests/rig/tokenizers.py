"""Tokenizers that the gateway loads: a folder with a tokenizer.json that knows a few words."""

import json
from pathlib import Path

from rig.web import fetch

_UNKNOWN = "[UNK]"


def write_tokenizer(folder: Path, *words: str) -> Path:
    """Make `folder` the source of a tokenizer in which each of `words` is a token: 1, 2, 3, …; 0 is any other word."""
    folder.mkdir(parents=True, exist_ok=True)
    vocab = {word: number for number, word in enumerate((_UNKNOWN, *words))}
    content: dict[str, object] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": _UNKNOWN},
    }
    (folder / "tokenizer.json").write_text(json.dumps(content))
    return folder


def tokens(gateway_url: str, name: str, text: str) -> list[int]:
    """How a replica's tokenizer of this name reads a text."""
    body = json.dumps({"model": name, "prompt": text}).encode()
    answer = json.loads(fetch(f"{gateway_url}/v1/tokenize", method="POST", body=body))
    read: list[int] = answer["tokens"]
    return read


def loaded(gateway_url: str) -> dict[str, str]:
    """The source of each tokenizer that a replica lists, by name."""
    answer = json.loads(fetch(f"{gateway_url}/v1/tokenizers"))
    return {each["name"]: each["source"] for each in answer["tokenizers"]}
