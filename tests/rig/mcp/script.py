"""How an MCP server behaves."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Script:
    """A healthy server with two tools, unless something else is said."""

    tools: int = 2
    page_size: int = 100
    """How many tools one page lists."""
    headers: dict[str, str] = field(default_factory=dict)
    """What every request must bear; one that does not is answered with 401."""
    status: int | None = None
    """Answer everything with this status."""
    hangs: bool = False
    """Accept requests and answer none."""
    falls_silent: bool = False
    """Answer nothing any more once the tools are asked for."""
    endless: bool = False
    """Each page of tools names another one."""
    description: str = "Adds two numbers."
    """Of each tool."""

    def as_json(self) -> dict[str, object]:
        """What the control endpoint takes."""
        return asdict(self)
