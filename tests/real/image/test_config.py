"""How the image asks to be run, and what it says of itself."""

from herder import __version__
from rig.image.build import Image


def test_it_is_run_without_root_and_ended_by_sigterm(image: Image) -> None:
    config = image.layout.config

    assert (config["User"], config["StopSignal"]) == ("65532:65532", "SIGTERM")
    assert (config["Entrypoint"], config["Cmd"][0]) == (["herder"], "run")


def test_it_says_what_it_is(image: Image) -> None:
    labels = image.layout.config["Labels"]

    said = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
    assert said["title"] == "herder"
    assert said["version"] == __version__
    assert said["licenses"] == "Apache-2.0"
    assert said["base.name"] == "localhost/herder-base"
