"""A real MCP server, the official SDK's own, in a process of its own, with a script that can change at any time."""

from rig.mcp.client import McpServer
from rig.mcp.script import Script

__all__ = ["McpServer", "Script"]
