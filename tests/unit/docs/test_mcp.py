"""docs/mcp.md: what it shows can be declared, and its init container fills in what herder publishes."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

from herder.api.base import parse
from herder.api.gateway import HeaderPublishing, ModelGatewaySpec
from herder.workflows.mcp import file
from herder.workflows.mcp.plan import variable_of
from unit.packaging.dockerfile import ROOT
from unit.workflows.mcp_world import plan

[DECLARED, POD] = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "mcp.md").read_text(), re.MULTILINE | re.DOTALL)
SPEC: Final[dict[str, Any]] = yaml.safe_load(POD)["spec"]
[INIT] = SPEC["initContainers"]


def test_the_gateway_that_is_shown_can_be_declared() -> None:
    shown = yaml.safe_load(DECLARED)

    spec = parse(ModelGatewaySpec, shown["spec"], unknown="forbid")

    assert spec.mcp is not None
    assert spec.mcp.config_map == f"{shown['metadata']['name']}-mcp"


def test_the_init_container_makes_the_published_file_one_that_holds_the_header(tmp_path: Path) -> None:
    published = plan({"Authorization": "Bearer sesame"}, HeaderPublishing.VARIABLES)
    [variable] = INIT["env"]
    text = file.render("ns/gw", {published.key: published.entry})
    for folder in ("published", "filled-in"):
        (tmp_path / folder).mkdir()
    (tmp_path / "published" / "mcp.yaml").write_text(
        text.replace(variable_of("name", "Authorization"), variable["name"])
    )
    program, *words, script = INIT["command"]

    environment = {"PATH": "/usr/bin:/bin", variable["name"]: "Bearer sesame"}
    here = re.sub(r'"/(published|filled-in)/', rf'"{tmp_path}/\1/', script)
    subprocess.run([program, *words, here], env=environment, check=True)

    [server] = yaml.safe_load((tmp_path / "filled-in" / "mcp.yaml").read_text())["servers"]
    assert server["headers"] == {"Authorization": "Bearer sesame"}


def test_the_variable_and_the_files_are_where_herder_and_the_gateway_look() -> None:
    [variable], [gateway] = INIT["env"], SPEC["containers"]
    secret = variable["valueFrom"]["secretKeyRef"]
    mounts = {mount["name"]: mount["mountPath"] for mount in INIT["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in SPEC["volumes"]}

    assert variable["name"] == variable_of("search", secret["key"])
    assert volumes["published"]["configMap"]["name"] == "shepherd-mcp"
    assert gateway["args"][-1] == f"{mounts['filled-in']}/mcp.yaml"
    assert gateway["volumeMounts"] == [{"name": "filled-in", "mountPath": mounts["filled-in"]}]
    assert all(f'"{path}/mcp.yaml"' in INIT["command"][-1] for path in mounts.values())
