"""samples/ with other ports and files, so that a playground that is up, and other tests, go on beside these tests."""

from pathlib import Path

import pytest

from rig.playground.files import OURS
from rig.playground.samples import SAMPLES, Samples
from rig.ports import reserve_port


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    """The samples to the letter, but for the ports and where the files are."""
    original = Samples.read()
    named = (*original.gateway_ports, original.worker_port, *original.mcp_ports)
    ports = {port: reserve_port() for port in named}
    folder = tmp_path / "samples"
    folder.mkdir()
    for path in SAMPLES.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        for port, other in ports.items():
            text = text.replace(f":{port}", f":{other}")
        text = text.replace(f"/tmp/{OURS}", str(tmp_path / OURS))
        (folder / path.name).write_text(text, encoding="utf-8")
    return Samples.read(folder)
