"""What a person needs who sees the demo fail: what was expected, what was seen, and which part has ended."""

import json

from rig.demo.scene import WORKERS_PATH
from rig.demo.stage import UnmetError
from rig.playground.world import World


def describe(unmet: UnmetError, world: World) -> str:
    """The text for the terminal; every resource as it is now goes into seen.json beside the logs."""
    seen = world.folder / "seen.json"
    seen.write_text(json.dumps(world.control_plane.get(WORKERS_PATH), indent=2))
    lines = [str(unmet), "seen last:"]
    for row in unmet.scene.workers.values():
        message = row.condition.message if row.condition else "no condition yet"
        lines.append(f"  {row.name}: Ready={row.ready or 'absent'}, step {row.status.progress}: {message}")
    lines += [f"  replica {row.address} {row.summary}" for row in unmet.scene.replicas]
    lines += [f"  {part.name} (its log: {part.log}) has ended with {part.returncode}" for part in world.ended()]
    return "\n".join([*lines, f"the whole status: {seen}"])
