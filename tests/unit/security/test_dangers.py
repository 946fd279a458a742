"""What herder does without: ways for data to become code, and programs to start others."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import herder

_ROOT = Path(herder.__file__).parent
_PROJECT = Path(__file__).parents[3]
_MODULES = {
    *("pickle", "marshal", "shelve", "dill", "subprocess", "multiprocessing", "pty", "ctypes", "code", "codeop", "pdb"),
    *("runpy", "telnetlib", "xmlrpc"),
}
_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
_NAMES = re.compile(
    "system|popen|exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|fork|forkpty|startfile"  # of os
    r"|create_subprocess_\w+|subprocess_(exec|shell)"  # of asyncio and its loop
    "|import_module|reload|(unsafe_|full_)?load_all|unsafe_load|full_load"  # of importlib and yaml
)
"""Under these names, of whatever module and however it was imported, is what is not to be used."""


def _dangers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.partition(".")[0] in _MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                yield from [module] if module.partition(".")[0] in _MODULES else ()
                yield from (name.name for name in names if _NAMES.fullmatch(name.name))
                yield from (f"yaml.{name.name}" for name in names if (module, name.name) == ("yaml", "load"))
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
                yield name
            case ast.Attribute(value=ast.Name(id="yaml"), attr="load"):
                yield "yaml.load"
            case ast.Attribute(attr=name) if _NAMES.fullmatch(name):
                yield name


def test_nothing_makes_code_of_data_or_starts_a_program() -> None:
    found = {
        f"{file.relative_to(_ROOT)}: {danger}"
        for file in _ROOT.rglob("*.py")
        for danger in _dangers(ast.parse(file.read_text()))
    }

    assert found == set()


@pytest.mark.parametrize(
    ("source", "danger"),
    [
        ("import pickle", "pickle"),
        ("import ctypes.util", "ctypes.util"),
        ("from subprocess import run", "subprocess"),
        ("eval('1')", "eval"),
        ("yaml.load(x, Loader)", "yaml.load"),
        ("from yaml import load", "yaml.load"),
        ("yaml.unsafe_load(x)", "unsafe_load"),
        ("os.system('x')", "system"),
        ("from os import popen", "popen"),
        ("os.execvp('x', [])", "execvp"),
        ("await asyncio.create_subprocess_shell('x')", "create_subprocess_shell"),
        ("loop.subprocess_exec(make, 'x')", "subprocess_exec"),
        ("importlib.import_module(x)", "import_module"),
    ],
)
def test_each_of_them_would_be_found(source: str, danger: str) -> None:
    assert list(_dangers(ast.parse(source))) == [danger]


def test_what_is_harmless_is_not_found() -> None:
    assert list(_dangers(ast.parse("yaml.safe_load(x)\njson.load(x)\nawait loop.run_in_executor(None, x)"))) == []


def test_the_linter_looks_for_what_is_insecure_everywhere_but_in_tests() -> None:
    lint = tomllib.loads((_PROJECT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    ignored = {"everywhere": lint.get("ignore", ()), **lint.get("per-file-ignores", {})}

    assert "S" in lint["select"]
    assert {where for where, rules in ignored.items() if any(re.fullmatch(r"S\d*", rule) for rule in rules)} == {
        "tests/**"
    }


def test_no_webhook_is_a_part_of_the_chart() -> None:
    templates = (_PROJECT / "charts" / "herder").rglob("*")

    assert [file for file in templates if file.is_file() and "WebhookConfiguration" in file.read_text()] == []
