"""docs/flags.md, made from the commands themselves: `python -m herder.cli.flags` prints it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from herder.cli.main import herder

_HEAD: Final = """\
<!-- Made from the code: make generate. -->
# Commands and flags

The chart sets the flags of `herder run` by [its values](values.md), and by `extraArgs` what has no value of its own.
Each can be set as an environment variable, too; a flag wins over its variable.
"""


def page() -> str:
    """Return the page."""
    return "\n".join(
        [_HEAD, *(line for name, command in sorted(herder.commands.items()) for line in _of(name, command))]
    )


def _of(name: str, command: click.Command) -> Iterator[str]:
    arguments = [_argument(each) for each in command.params if isinstance(each, click.Argument)]
    yield from (f"## `{' '.join(['herder', name, *arguments])}`", "", _first_paragraph(command), "")
    options = [each for each in command.params if isinstance(each, click.Option)]
    if options:
        prefix = command.context_settings.get("auto_envvar_prefix")
        yield from ("| flag | variable | default | says |", "|---|---|---|---|")
        yield from (_row(each, prefix) for each in options)
        yield ""


def _argument(argument: click.Argument) -> str:
    word = (argument.name or "").upper()
    return word if argument.required else f"[{word}]"


def _first_paragraph(command: click.Command) -> str:
    return " ".join((command.help or "").partition("\n\n")[0].split())


def _row(option: click.Option, prefix: str | None) -> str:
    spellings = sorted(option.opts, key=len, reverse=True) + option.secondary_opts
    flags = ", ".join(f"`{flag}`" for flag in spellings)
    variable = option.envvar or (f"{prefix}_{(option.name or '').upper()}" if prefix else "")
    cells = (flags + _values(option), f"`{variable}`" if variable else "", _default(option), option.help or "")
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _values(option: click.Option) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return " " + ", ".join(f"`{choice}`" for choice in option.type.choices)
    if isinstance(option.type, click.IntRange | click.FloatRange):
        return f" {option.type.min} to {option.type.max}" if option.type.max is not None else f" from {option.type.min}"
    return f" {option.metavar or option.type.name.upper()}"


def _default(option: click.Option) -> str:
    if option.is_flag:
        return f"`{option.opts[0]}`" if option.default is True else ""
    return f"`{option.default}`" if isinstance(option.default, str | int | float | Path) else ""


if __name__ == "__main__":
    sys.stdout.write(page())
