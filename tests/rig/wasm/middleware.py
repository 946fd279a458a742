"""A middleware component for the gateway, without a compiler: a core module that answers from its memory, wrapped.

The gateway calls `on-request` and `on-response`. Each answers with an action: a variant in memory, which the component
model lays out as follows (little-endian, offsets in bytes).

    0   which case: 0 continue, 1 reject, 2 modify
    4   reject: the status, 16 bits
    4   modify: status (an option), 8 headers to set, 16 to add, 24 to remove (pointer and length each), 32 the body
        (an option); a header is name and value, pointer and length each
"""

from collections.abc import Iterable
from functools import cache
from string import Template
from typing import Final

from wasmtime import wat2wasm

_ON_REQUEST_AT: Final = 64
_ON_RESPONSE_AT: Final = 256
_HEADER_AT: Final = 512
_TEXT_AT: Final = 1024
_TAG_AT: Final = 2048
_CONTINUE: Final = b"\x00"

_COMPONENT: Final = Template("""
(component
  (core module $$code
    (memory (export "memory") 2)
    (global $$free (mut i32) (i32.const 4096))
    ;; What the gateway hands over is put behind what is there already, and nothing is ever given back.
    (func (export "realloc")
      (param $$old i32) (param $$old-size i32) (param $$align i32) (param $$size i32) (result i32)
      (local $$at i32)
      (local.set $$at
        (i32.and
          (i32.add (global.get $$free) (i32.sub (local.get $$align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $$align))))
      (global.set $$free (i32.add (local.get $$at) (local.get $$size)))
      (block $$fits
        (loop $$grow
          (br_if $$fits (i32.le_u (global.get $$free) (i32.mul (memory.size) (i32.const 65536))))
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
          (br $$grow)))
      (local.get $$at))
    ;; A request arrives as six lists, pointer and length each, and a time; a response as a status and two lists.
    (func (export "on-request")
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
      (i32.const $on_request_at))
    (func (export "on-response") (param i32 i32 i32 i32 i32) (result i32) (i32.const $on_response_at))
    $data)
  (core instance $$run (instantiate $$code))
  (alias core export $$run "memory" (core memory $$memory))
  (alias core export $$run "realloc" (core func $$realloc))
  (alias core export $$run "on-request" (core func $$core-on-request))
  (alias core export $$run "on-response" (core func $$core-on-response))

  (type $$header-record (record (field "name" string) (field "value" string)))
  (export $$header "header" (type $$header-record))
  (type $$request-record
    (record
      (field "method" string) (field "path" string) (field "query" string) (field "headers" (list $$header))
      (field "body" (list u8)) (field "request-id" string) (field "now-epoch-ms" u64)))
  (export $$request "request" (type $$request-record))
  (type $$response-record (record (field "status" u16) (field "headers" (list $$header)) (field "body" (list u8))))
  (export $$response "response" (type $$response-record))
  (type $$modify-record
    (record
      (field "status" (option u16)) (field "headers-set" (list $$header)) (field "headers-add" (list $$header))
      (field "headers-remove" (list string)) (field "body-replace" (option (list u8)))))
  (export $$modify "modify-action" (type $$modify-record))
  (type $$action-variant (variant (case "continue") (case "reject" u16) (case "modify" $$modify)))
  (export $$action "action" (type $$action-variant))

  (func $$on-request (param "req" $$request) (result $$action)
    (canon lift (core func $$core-on-request) (memory $$memory) (realloc $$realloc)))
  (func $$on-response (param "resp" $$response) (result $$action)
    (canon lift (core func $$core-on-response) (memory $$memory) (realloc $$realloc)))
  (instance $$requests (export "on-request" (func $$on-request)))
  (export "smg:gateway/middleware-on-request" (instance $$requests))
  (instance $$responses (export "on-response" (func $$on-response)))
  (export "smg:gateway/middleware-on-response" (instance $$responses)))
""")


@cache
def component(tag: str, *, rejects: int | None = None, header: tuple[str, str] | None = None) -> bytes:
    """Return a middleware that answers requests with the status `rejects`, and sets `header` on answers, if given.

    `tag` is part of its content, and so makes modules differ that do the same.
    """
    on_request = _CONTINUE if rejects is None else b"\x01\x00\x00\x00" + rejects.to_bytes(2, "little")
    on_response, header_data = (_CONTINUE, []) if header is None else _set_header(*header)
    data = [(_ON_REQUEST_AT, on_request), (_ON_RESPONSE_AT, on_response), *header_data, (_TAG_AT, tag.encode())]
    text = _COMPONENT.substitute(
        on_request_at=_ON_REQUEST_AT, on_response_at=_ON_RESPONSE_AT, data=" ".join(map(_segment, data))
    )
    return bytes(wat2wasm(text))


def _set_header(name: str, value: str) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Return the action, and what it points to."""
    action = b"\x02\x00\x00\x00" + bytes(4) + _words(_HEADER_AT, 1)
    value_at = _TEXT_AT + len(name)
    record = _words(_TEXT_AT, len(name), value_at, len(value))
    return action, [(_HEADER_AT, record), (_TEXT_AT, name.encode()), (value_at, value.encode())]


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "little") for number in numbers)


def _segment(data: tuple[int, Iterable[int]]) -> str:
    at, content = data
    escaped = "".join(f"\\{byte:02x}" for byte in content)
    return f'(data (i32.const {at}) "{escaped}")'
