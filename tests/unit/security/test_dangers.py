"""What herder does without: ways for data to become code, and programs to start others."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import herder

_ROOT = Path(herder.__file__).parent
_PROJECT = Path(__file__).parents[3]
_MODULES = {"pickle", "marshal", "shelve", "dill", "subprocess", "pty", "ctypes", "code", "pdb", "telnetlib", "xmlrpc"}
_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
_YAML = {"load", "load_all", "unsafe_load", "full_load", "unsafe_load_all", "full_load_all"}


def _dangers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.partition(".")[0] in _MODULES)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in _MODULES:
                yield module
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml"), attr=name)) if name in _YAML:
                yield f"yaml.{name}"
            case ast.Attribute(value=ast.Name(id="os"), attr="system" | "popen"):
                yield "os.system"


def test_nothing_makes_code_of_data_or_starts_a_program() -> None:
    found = {
        f"{file.relative_to(_ROOT)}: {danger}"
        for file in _ROOT.rglob("*.py")
        for danger in _dangers(ast.parse(file.read_text()))
    }

    assert found == set()


def test_each_of_them_would_be_found() -> None:
    source = "import pickle\nfrom subprocess import run\neval('1')\nyaml.load(x)\nos.system('x')\nyaml.safe_load(x)\n"

    assert list(_dangers(ast.parse(source))) == ["pickle", "subprocess", "eval", "yaml.load", "os.system"]


def test_the_linter_looks_for_what_is_insecure() -> None:
    lint = tomllib.loads((_PROJECT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]

    assert "S" in lint["select"]
    assert [rule for rule in lint.get("ignore", ()) if rule.startswith("S")] == []


def test_no_webhook_is_a_part_of_the_chart() -> None:
    templates = (_PROJECT / "charts" / "herder").rglob("*")

    assert [file for file in templates if file.is_file() and "WebhookConfiguration" in file.read_text()] == []
