"""Says what is installed as a CycloneDX 1.6 document: `sbom.py HERDER.json DEPENDENCIES.json > sbom.cdx.json`.

Both are what `pip install --report` writes: which distribution files pip took, and their hashes. The dependencies' are
those that requirements.lock allows, so the hash of a component can be looked up there. The document has no time and no
random number in it: the same files give the same document.
"""

import json
import sys
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

type Json = dict[str, Any]


def main(own: Path, dependencies: Path) -> None:
    """Write the document to stdout."""
    [herder], libraries = _installed(own), _installed(dependencies)
    environment = json.loads(dependencies.read_text())["environment"]
    document: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", **_described(herder)}},
        "components": [
            {"type": "library", **_described(each), "purl": f"pkg:pypi/{_reference(each)}"} for each in libraries
        ],
        "dependencies": _dependencies([herder, *libraries], environment),
    }
    name = json.dumps(document, sort_keys=True)
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, name).urn
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _installed(report: Path) -> list[Json]:
    """What pip's report lists, by name."""
    return sorted(json.loads(report.read_text())["install"], key=_reference)


def _reference(item: Json) -> str:
    """name@version, which is unique in an environment."""
    return f"{canonicalize_name(item['metadata']['name'])}@{item['metadata']['version']}"


def _described(item: Json) -> Json:
    """Who it is, by which hash its file can be told, and under which licence it comes as far as it says so."""
    name, _, version = _reference(item).partition("@")
    described: Json = {"bom-ref": _reference(item), "name": name, "version": version}
    sha256 = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
    if sha256:
        described["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    licences = _licences(item["metadata"])
    if licences:
        described["licenses"] = licences
    return described


def _licences(metadata: Json) -> list[Json]:
    """The SPDX expression (PEP 639), else the names that the classifiers give; nothing from free text."""
    if expression := metadata.get("license_expression"):
        return [{"expression": expression}]
    classifiers = [line.split(" :: ") for line in metadata.get("classifier", [])]
    return [{"license": {"name": words[-1]}} for words in classifiers if words[0] == "License" and len(words) > 1]


def _dependencies(items: Sequence[Json], environment: dict[str, str]) -> list[Json]:
    """Which asks for which, of those that are there, as the requirements of each say for this environment."""
    references = {canonicalize_name(item["metadata"]["name"]): _reference(item) for item in items}
    return [
        {"ref": _reference(item), "dependsOn": sorted({references[name] for name in _required(item, environment)})}
        for item in items
    ]


def _required(item: Json, environment: dict[str, str]) -> Iterable[NormalizedName]:
    """The names that a distribution requires, with the extras that were asked of it."""
    extras = ["", *item.get("requested_extras", [])]
    for line in item["metadata"].get("requires_dist", []):
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras):
            yield canonicalize_name(requirement.name)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
