"""The two tables of the demo: what herder says of each worker, and what each replica itself lists."""

from datetime import datetime
from typing import Final

from rich.console import Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rig.demo.scene import ReplicaRow, Scene, WorkerRow

_COLOURS: Final = {
    "True": "bold green",
    "False": "bold yellow",
    "Unknown": "bold magenta",
    "ready": "green",
    "draining": "yellow",
}


def picture(scene: Scene) -> Group:
    """Both tables, side by side in meaning: the first is herder's word, the second the proof."""
    return Group(Rule(style="dim"), _workers(scene), "", _replicas(scene))


def _table() -> Table:
    return Table(box=None, expand=True, padding=(0, 2, 0, 0), header_style="bold dim")


def _workers(scene: Scene) -> Table:
    table = _table()
    for name, width in (("NAME", 8), ("READY", 7), ("STEP", 21), ("REGISTERED", 10), ("MODEL", 13)):
        table.add_column(name, min_width=width, no_wrap=True)
    table.add_column("MESSAGE", ratio=1, overflow="fold")
    for row in scene.workers.values():
        table.add_row(
            row.name,
            Text(row.ready, _COLOURS.get(row.ready, "")),
            row.status.progress or "",
            row.status.registered or "",
            row.model,
            message_of(row, scene.at),
        )
    return table


def message_of(row: WorkerRow, now: datetime) -> str:
    """What its condition Ready says, in less space: the worker's own URL left out, the next attempt counted down to."""
    if row.condition is None:
        return "not seen by herder yet"
    step = row.retried
    if step is None or step.next_retry_at is None or step.message is None:
        return _short(row.condition.message, row)
    wait_s = max(0.0, (step.next_retry_at - now).total_seconds())
    return f"{_short(step.message, row)}; attempt {step.attempts} failed, next in {wait_s:.0f} s"


def _short(message: str, row: WorkerRow) -> str:
    return message.replace(row.url, "").replace("http://", "")


def _replicas(scene: Scene) -> Table:
    table = _table()
    table.add_column("REPLICA", min_width=15, no_wrap=True)
    table.add_column("WHAT IT LISTS ITSELF (GET /workers)", ratio=1)
    for row in scene.replicas:
        table.add_row(row.address, _listed(row))
    return table


def _listed(row: ReplicaRow) -> Text:
    if not row.listed:
        return Text(row.summary, "bold red" if row.listed is None else "dim")
    words = Text()
    for name, state in sorted(row.listed.items()):
        words.append(f"{name} ").append(f"{state:10}", _COLOURS.get(state, "bold red")).append("  ")
    return words
