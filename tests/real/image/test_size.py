"""What the image costs those who pull it."""

from rig.image.build import Image

_MEGABYTE = 1_000_000


def test_all_layers_are_less_than_150_megabytes_and_a_new_herder_is_a_pull_of_two(image: Image) -> None:
    base, dependencies, herder = (layer.size_bytes / _MEGABYTE for layer in image.layout.layers)

    assert base + dependencies + herder < 150
    assert herder < 2
