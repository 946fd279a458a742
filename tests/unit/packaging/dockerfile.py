"""A Dockerfile as far as tests look into it: its instructions, by stage."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its lines joined."""

    word: str
    text: str


def stages_of(text: str) -> list[list[Instruction]]:
    """The instructions of each stage, FROM first; what stands before the first FROM is left out."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    stages: list[list[Instruction]] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(Instruction(word, rest))
    return stages


def environment_of(stage: Sequence[Instruction]) -> dict[str, str]:
    """What a stage's ENV sets, each a KEY=VALUE without blanks."""
    pairs = (pair for each in stage if each.word == "ENV" for pair in each.text.split())
    return dict(pair.split("=", 1) for pair in pairs)


def commands_of(stage: Sequence[Instruction]) -> list[str]:
    """What a stage runs, one command each, without the secrets that are mounted for it."""
    runs = (re.sub(r"--mount=\S+", "", each.text) for each in stage if each.word == "RUN")
    return [command.strip() for text in runs for command in text.split("&&")]


def copied_from_checkout(stages: Sequence[Sequence[Instruction]]) -> list[str]:
    """The files and folders of the checkout that the stages copy; "." is all that .dockerignore lets in."""
    copies = (each.text.split() for stage in stages for each in stage if each.word == "COPY")
    return [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]
