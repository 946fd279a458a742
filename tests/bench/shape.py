"""The workflow of the burst: eleven steps that do nothing, in the shape of a worker's registration."""

from collections.abc import Mapping

ALL_OF: Mapping[str, tuple[str, ...]] = {
    "classify": (),
    "detect_connection": ("classify",),
    "detect_backend": ("detect_connection",),
    "discover_metadata": ("detect_backend",),
    "discover_dp": ("detect_backend",),
    "create_local": ("discover_metadata", "discover_dp"),
    "discover_models": ("classify",),
    "create_external": ("discover_models",),
    "register": (),
    "update_policies": ("register",),
    "activate": ("update_policies",),
}
"""Each step, with those that it waits for all of."""

ANY_OF: Mapping[str, tuple[str, ...]] = {"register": ("create_local", "create_external")}
"""Each step that waits for one of several, with those."""

STEPS = len(ALL_OF)
