"""Argo CD's Lua, with what it gives a script: Lua 5.1 with the libraries base, table, package and a tamed os."""

from collections.abc import Mapping
from typing import Any, Final

from lupa.lua51 import LuaRuntime, lua_type

_KEPT: Final = (
    *("_G", "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "os", "package", "pairs", "pcall"),
    *("print", "rawequal", "rawget", "rawset", "require", "select", "setmetatable", "table", "tonumber", "tostring"),
    *("type", "unpack", "xpcall"),
)
_TAME: Final = """
local kept = ...
for name in pairs(_G) do if not kept[name] then _G[name] = nil end end
os = {time = os.time, date = os.date}
package.loaded = {os = os, table = table}
getmetatable("").__index = nil
"""


def run(script: str, body: Mapping[str, Any]) -> Any:
    """What a script returns of an object, as JSON would have it. Raises lupa's LuaError."""
    lua = LuaRuntime(register_eval=False, register_builtins=False, unpack_returned_tuples=True)
    lua.execute(_TAME, lua.table_from(dict.fromkeys(_KEPT, True)))
    lua.globals().obj = lua.table_from(body, recursive=True)
    return _plain(lua.execute(script))


def _plain(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    keys = list(value.keys())
    if keys and keys == list(range(1, len(keys) + 1)):
        return [_plain(each) for each in value.values()]
    return {key: _plain(each) for key, each in value.items()}
