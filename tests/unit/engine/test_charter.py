"""What the package says of itself is true."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import herder.engine

FORBIDDEN = {"aiohttp", "click", "kopf", "kubernetes_asyncio", "pydantic", "uvloop"}


def test_the_example_in_the_charter_runs(capsys: pytest.CaptureFixture[str]) -> None:
    charter = herder.engine.__doc__ or ""
    example = charter[charter.index("    import asyncio") : charter.index("It imports nothing")]

    exec(compile(textwrap.dedent(example), "the charter", "exec"), {})

    assert capsys.readouterr().out == "Completed\n"


def test_every_public_name_is_there_and_listed_in_order() -> None:
    names = herder.engine.__all__

    assert len(names) == len(set(names))
    assert all(hasattr(herder.engine, name) for name in names)


def test_importing_the_engine_imports_none_of_the_operators_libraries() -> None:
    program = "import sys, herder.engine; print(*{name.partition('.')[0] for name in sys.modules})"

    loaded = set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )

    assert loaded & FORBIDDEN == set()
    assert {name for name in loaded if name.startswith("herder")} == {"herder"}


def _imported(source: Path) -> set[str]:
    """The packages, or rooms of herder, that a file says it imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {".".join(name.split(".")[:2]) if name.startswith("herder") else name.partition(".")[0] for name in names}


def test_the_engine_imports_the_standard_library_tenacity_structlog_and_itself_and_nothing_else() -> None:
    folder = Path(herder.engine.__file__ or "").parent

    imported = {name for source in folder.rglob("*.py") for name in _imported(source)}

    assert imported - sys.stdlib_module_names == {"tenacity", "structlog", "herder.engine"}
