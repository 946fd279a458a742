"""The bill of materials in the image says what is installed in it, neither less nor more."""

import json
import re
from collections.abc import Callable
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from rig.image.build import CHECKOUT

_LIST = """
import json
from importlib.metadata import distributions

print(json.dumps([[each.name, each.version] for each in distributions()]))
"""


def normalized(name: str) -> str:
    """As the index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_its_components_are_what_is_installed(run_in_image: Callable[..., str], sbom: dict[str, Any]) -> None:
    installed = json.loads(run_in_image("python", "-c", _LIST))

    components = [sbom["metadata"]["component"], *sbom["components"]]
    assert sorted((each["name"], each["version"]) for each in components) == sorted(
        (normalized(name), version) for name, version in installed
    )


def test_each_component_is_a_file_that_the_lock_allows(sbom: dict[str, Any]) -> None:
    lock = (CHECKOUT / "requirements.lock").read_text()
    stanzas = re.findall(r"^([\w.-]+)==(\S+).*((?:\n {4}.*)+)", lock, re.MULTILINE)
    allowed = {(name, version): set(re.findall(r"sha256:(\w+)", hashes)) for name, version, hashes in stanzas}

    for component in sbom["components"]:
        [sha256] = component["hashes"]
        assert sha256["alg"] == "SHA-256"
        assert sha256["content"] in allowed[component["name"], component["version"]]


def test_it_is_cyclonedx_1_6(sbom: dict[str, Any]) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)

    assert validator.validate_str(json.dumps(sbom)) is None
    assert sbom["specVersion"] == "1.6"


def test_each_component_is_there_because_herder_needs_it(sbom: dict[str, Any]) -> None:
    edges = {edge["ref"]: edge["dependsOn"] for edge in sbom["dependencies"]}

    needed, reached = [sbom["metadata"]["component"]["bom-ref"]], set[str]()
    while needed:
        reference = needed.pop()
        reached.add(reference)
        needed += set(edges[reference]) - reached
    assert sorted(reached) == sorted(edges)
