"""Between the story and the screen: shows one scene after the other until what the story expects has come true."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rig.demo.scene import Scene
from rig.demo.screen import Screen
from rig.heals import Heals
from rig.playground.world import World

_POLL_S: Final = 0.1
_PATIENCE_S: Final = 90.0
"""Far more than anything takes: the story is told on machines that have much else to do, too."""
_READING_S: Final = 3.0
"""How long a person is left with a sentence before something happens."""


class UnmetError(Exception):
    """What was expected did not come true, or a part of the world ended; `scene` is what was seen last."""

    def __init__(self, what: str, scene: Scene) -> None:
        super().__init__(what)
        self.scene = scene


@dataclass(frozen=True, slots=True)
class Met:
    """Something that came true `took_s` seconds after `since`."""

    what: str
    took_s: float
    since: str


@dataclass(slots=True)
class Stage:
    """One showing of the story; `met` is what has come true so far."""

    world: World
    screen: Screen
    patience_s: float = _PATIENCE_S
    met: list[Met] = field(default_factory=list)
    _began_s: float = 0.0
    _since: str = ""

    def act(self, title: str, sentence: str) -> None:
        """Begin an act, and say what it shows."""
        self.screen.act(title)
        self.say(sentence)

    def say(self, sentence: str) -> None:
        """Say what is being shown now, and leave a person the time to read it."""
        self.screen.say(sentence)
        ends_s = time.monotonic() + (_READING_S if self.screen.is_live else 0.0)
        while time.monotonic() < ends_s:
            self._look()

    def do(self, what: str, deed: Callable[[], object]) -> None:
        """Do something to the world; what comes true from now on is timed from here."""
        self._since, self._began_s = what, time.monotonic()
        self.screen.do(what)
        deed()

    def quote(self, text: str) -> None:
        """Show words of herder's own as they are."""
        self.screen.quote(text)

    def until(self, what: str, is_so: Callable[[Scene], bool]) -> Scene:
        """Show scenes until one `is_so`, and return it. Raises UnmetError."""
        deadline_s = time.monotonic() + self.patience_s
        while not is_so(scene := self._look()):
            if time.monotonic() > deadline_s:
                raise UnmetError(f"expected within {self.patience_s:g} s: {what}", scene)
        met = Met(what, time.monotonic() - self._began_s, self._since)
        self.met.append(met)
        self.screen.met(met.what, met.took_s)
        return scene

    def heal_s(self) -> float:
        """How long the operator says that a replica lacked something, once one is healed. Raises UnmetError."""
        self.until("the operator has seen all of it itself", lambda _: Heals.of(self.world.operator).count > 0)
        heals = Heals.of(self.world.operator)
        return heals.total_s / heals.count

    def _look(self) -> Scene:
        scene = Scene.take(self.world.control_plane, self.world.replicas)
        self.screen.show(scene)
        time.sleep(_POLL_S)
        return scene
