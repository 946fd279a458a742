"""image/sbom.py, by what pip would report of a small environment."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from unit.packaging.dockerfile import ROOT

_ENVIRONMENT = {"python_version": "3.13", "sys_platform": "linux"}


def item(
    name: str, *requires: str, extras: tuple[str, ...] = (), metadata: dict[str, object] | None = None
) -> dict[str, Any]:
    """A line of pip's report."""
    return {
        "download_info": {"archive_info": {"hashes": {"sha256": name.encode().hex().ljust(64, "0")}}},
        "requested_extras": list(extras),
        "metadata": {"name": name, "version": "1.0", "requires_dist": list(requires), **(metadata or {})},
    }


@pytest.fixture
def sbom_of(tmp_path: Path) -> Any:
    """Makes the document of an own distribution and its dependencies."""

    def make(own: dict[str, Any], *dependencies: dict[str, Any]) -> dict[str, Any]:
        reports = {"own.json": [own], "dependencies.json": list(dependencies)}
        for name, items in reports.items():
            (tmp_path / name).write_text(json.dumps({"install": items, "environment": _ENVIRONMENT}))
        argv = [sys.executable, str(ROOT / "image" / "sbom.py"), *(str(tmp_path / name) for name in reports)]
        document: dict[str, Any] = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
        return document

    return make


def edges_of(document: dict[str, Any]) -> dict[str, list[str]]:
    """What depends on what."""
    return {edge["ref"]: edge["dependsOn"] for edge in document["dependencies"]}


def test_a_component_is_told_by_its_normalized_name_and_the_hash_of_its_file(sbom_of: Any) -> None:
    document = sbom_of(item("herder"), item("Py_YAML"))

    [component] = document["components"]
    assert (component["name"], component["version"]) == ("py-yaml", "1.0")
    assert component["purl"] == "pkg:pypi/py-yaml@1.0"
    assert component["hashes"] == [{"alg": "SHA-256", "content": b"Py_YAML".hex().ljust(64, "0")}]


def test_herder_is_what_the_document_is_about_and_has_no_address_in_an_index(sbom_of: Any) -> None:
    document = sbom_of(item("herder"))

    about = document["metadata"]["component"]
    assert (about["name"], about["type"], "purl" in about) == ("herder", "application", False)


def test_a_requirement_of_another_platform_is_no_edge(sbom_of: Any) -> None:
    document = sbom_of(item("herder", "a", "pywin32; sys_platform == 'win32'"), item("a"))

    assert edges_of(document) == {"herder@1.0": ["a@1.0"], "a@1.0": []}


def test_a_requirement_of_an_extra_is_an_edge_only_where_the_extra_was_asked_for(sbom_of: Any) -> None:
    jwt = "c>=1; extra == 'crypto'"

    document = sbom_of(item("herder"), item("a", jwt, extras=("crypto",)), item("b", jwt), item("c"))

    edges = edges_of(document)
    assert (edges["a@1.0"], edges["b@1.0"]) == (["c@1.0"], [])


LICENCES = {
    "an expression": ({"license_expression": "MIT OR Apache-2.0"}, [{"expression": "MIT OR Apache-2.0"}]),
    "an expression beside classifiers": (
        {"license_expression": "MIT", "classifier": ["License :: OSI Approved :: MIT License"]},
        [{"expression": "MIT"}],
    ),
    "classifiers": (
        {"classifier": ["License :: OSI Approved :: BSD License", "Topic :: Utilities"]},
        [{"license": {"name": "BSD License"}}],
    ),
    "free text": ({"license": "see the file"}, None),
}


@pytest.mark.parametrize(("metadata", "expected"), LICENCES.values(), ids=LICENCES)
def test_a_licence_is_said_as_far_as_it_is_known(sbom_of: Any, metadata: dict[str, object], expected: object) -> None:
    [component] = sbom_of(item("herder"), item("a", metadata=metadata))["components"]

    assert component.get("licenses") == expected


def test_the_same_files_give_the_same_document(sbom_of: Any) -> None:
    assert sbom_of(item("herder"), item("a"), item("b")) == sbom_of(item("herder"), item("b"), item("a"))
