"""The chart's values: what the schema knows is what values.yaml explains and what the templates read."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from unit.packaging.dockerfile import ROOT

CHART = ROOT / "charts" / "herder"
SCHEMA: Mapping[str, Any] = json.loads((CHART / "values.schema.json").read_text())
TEXT = (CHART / "values.yaml").read_text()
VALUES: Mapping[str, Any] = yaml.safe_load(TEXT)
TEMPLATES = "\n".join(path.read_text() for path in sorted((CHART / "templates").rglob("*.*")))


def open_objects(schema: object, path: str = "") -> Iterator[str]:
    """Where a schema says that there is an object and does not say which words it may have."""
    if isinstance(schema, Mapping):
        is_ruling = re.search(r"/(if|then|not|allOf)\b", path)
        if schema.get("type") == "object" and not is_ruling and schema.get("additionalProperties", True) is True:
            yield path
        for name, part in schema.items():
            yield from open_objects(part, f"{path}/{name}")
    elif isinstance(schema, list):
        for number, part in enumerate(schema):
            yield from open_objects(part, f"{path}/{number}")


def leaves(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The path of each value that the schema knows, as templates write it; lists and maps of texts are values."""
    for name, part in schema["properties"].items():
        described = SCHEMA["definitions"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        path = f"{prefix}{name}"
        if "properties" in described and path not in {"resources", "affinity"}:
            yield from leaves(described, f"{path}.")
        elif path != "global":
            yield path


def test_the_schema_knows_every_word_everywhere_but_in_what_is_helms_own() -> None:
    assert list(open_objects(SCHEMA)) == ["/properties/global"]


def test_every_value_that_the_schema_knows_has_a_default() -> None:
    def is_there(path: str) -> bool:
        found: Any = VALUES
        for name in path.split("."):
            if name not in found:
                return False
            found = found[name]
        return True

    assert [path for path in leaves(SCHEMA) if not is_there(path)] == []


def test_every_value_is_explained() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs" / "values.md").read_text(), re.MULTILINE)

    assert [path for path in leaves(SCHEMA) if path not in rows] == []


def test_every_value_is_read_by_a_template() -> None:
    unread = [path for path in leaves(SCHEMA) if not re.search(rf"\.{path.rpartition('.')[2]}\b", TEMPLATES)]

    assert unread == []


def test_templates_read_no_value_that_there_is_not() -> None:
    known = set(leaves(SCHEMA))
    read = set(re.findall(r"\.Values\.([\w.]+)", TEMPLATES))

    assert {path for path in read if not any(f"{each}.".startswith(f"{path}.") for each in known)} == set()
