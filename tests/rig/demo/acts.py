"""The story: declared, sick and healed, restarted, removed. Each act waits for what it shows, so it can't lie."""

from collections.abc import Callable
from typing import Final

from rig.demo.scene import Scene
from rig.demo.stage import Stage

SICK: Final = "qwen-a"
_HEALTHY: Final = ("llama-a", "llama-b")
_ALL: Final = (*_HEALTHY, SICK)
_LEAVING: Final = "llama-b"
_STAYING: Final = ("llama-a", SICK)
_ATTEMPTS_SHOWN: Final = 4


def tell(stage: Stage) -> None:
    """All acts in order. Raises UnmetError at the first thing that does not come true."""
    declare(stage)
    heal(stage)
    restart(stage)
    remove(stage)


def declare(stage: Stage) -> None:
    """Healthy workers are Ready within seconds; a sick one says which step is retried, why, and when next."""
    stage.act("1  declared", "Three workers are declared. Two are healthy, qwen-a answers its health check with 503.")
    stage.do("kubectl apply -f samples/", stage.world.apply_samples)
    stage.until("llama-a and llama-b are Ready, and every replica lists them", _are_ready(*_HEALTHY))
    stage.until("the module, the MCP server and the tokenizer are Ready, too", _are_others_ready)
    stage.until("qwen-a says which step is retried, why, and when next", _is_retried)
    stage.say("A failed attempt is no dead end: qwen-a is tried again until its startup budget is over.")
    scene = stage.until(f"it goes on trying, and says so: {_ATTEMPTS_SHOWN} attempts so far", _is_tried_often)
    condition = scene.workers[SICK].condition
    stage.quote(f"Ready={condition.status}, {condition.message}" if condition else "")


def heal(stage: Stage) -> None:
    """Nobody tells herder that the worker is well again."""
    stage.act("2  healed", "Now qwen-a's /health answers 200. Nobody tells herder: its next attempt finds out.")
    stage.do("qwen-a is healed", stage.world.workers[SICK].heal)
    stage.until("qwen-a is Ready by itself, on every replica", _are_ready(SICK))


def restart(stage: Stage) -> None:
    """A replica keeps its registry in memory: a restarted one gets everything again."""
    replica = stage.world.replicas[-1]
    address = replica.url.removeprefix("http://")
    stage.act("3  restarted", f"The gateway replica {address} crashes. What it knew was in its memory only.")
    stage.do(f"kill -9 of the replica {address}", replica.kill)
    stage.say("A short silence is ridden out. After 10 s herder says what it does not know any more: Unknown.")
    stage.until("all three are Unknown, not a stale True", _are_unknown)
    stage.say("The replica comes back with an empty registry.")
    stage.do(f"{address} is started again", replica.restart)
    stage.until("it has got all three workers again", _are_ready(*_ALL))
    stage.say(
        f"herder's own metric, herder_replica_heal_seconds, says how long it lacked them: {stage.heal_s():.2f} s."
    )


def remove(stage: Stage) -> None:
    """A deleted worker is drained first; the resource goes when every replica has confirmed."""
    stage.act("4  removed", "llama-b is deleted: no new requests from now on, 2 s for those under way, then it goes.")
    stage.do("kubectl delete wr llama-b", lambda: stage.world.delete(_LEAVING))
    stage.until("no replica gives llama-b a new request", _is_given_nothing)
    stage.until("llama-b is off every replica, and the resource is gone", lambda scene: scene.is_gone(_LEAVING))
    stage.until("llama-a and qwen-a are Ready as before", _are_ready(*_STAYING))


def _are_ready(*names: str) -> Callable[[Scene], bool]:
    return lambda scene: scene.is_ready(*names)


def _are_others_ready(scene: Scene) -> bool:
    return bool(scene.others) and set(scene.others.values()) == {"True"}


def _is_retried(scene: Scene) -> bool:
    row = scene.workers[SICK]
    return row.ready == "False" and row.retried is not None and row.retried.next_retry_at is not None


def _is_tried_often(scene: Scene) -> bool:
    step = scene.workers[SICK].retried
    return step is not None and step.attempts >= _ATTEMPTS_SHOWN


def _are_unknown(scene: Scene) -> bool:
    return all(scene.workers[name].ready == "Unknown" for name in _ALL)


def _is_given_nothing(scene: Scene) -> bool:
    """One replica may have taken it off already where another still drains it."""
    return all(
        replica.listed is not None and replica.listed.get(_LEAVING, "draining") == "draining"
        for replica in scene.replicas
    )
