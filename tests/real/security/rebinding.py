"""A name server that changes its mind, and what herder makes of it; run as a process with a resolv.conf of its own.

It prints one line of JSON: how often the name was asked for, what the canary on loopback heard, and how each try ended.
"""

import asyncio
import json
import socket
import struct
from typing import override

from herder.net.address import AddressPolicy
from herder.net.errors import NetError
from herder.net.http import Http

SERVER = "127.0.0.66"
NAME = "rebind.example"
PUBLIC, LOOPBACK = "198.51.100.7", "127.0.0.1"
_DEADLINE_S = 30.0


class NameServer(asyncio.DatagramProtocol):
    """Answers for A records: once with a public address, then with loopback; and not to keep it."""

    def __init__(self) -> None:
        self.answered: list[str] = []

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        question, (kind,) = data[12:end], struct.unpack_from("!H", data, end - 4)
        record = b""
        if kind == 1:  # A; there is no AAAA
            self.answered.append(LOOPBACK if self.answered else PUBLIC)
            record = struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(self.answered[-1])
        head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, bool(record), 0, 0)
        self._transport.sendto(head + question + record, addr)


async def main() -> None:
    """Vet a URL, as before a gateway is told of it, then ask it, twice."""
    heard = 0

    async def canary(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.close()

    listener = await asyncio.start_server(canary, LOOPBACK, 0)
    url = f"http://{NAME}:{listener.sockets[0].getsockname()[1]}"
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=(SERVER, 53))
    ends = list[str]()
    async with Http(AddressPolicy()) as http:
        await http.vet(url, deadline_s=_DEADLINE_S)
        for _ in range(2):
            try:
                await http.request("GET", url, headers={"Authorization": "Bearer k"}, deadline_s=_DEADLINE_S)
            except NetError as error:
                ends.append(type(error).__name__)
    transport.close()
    listener.close()
    print(json.dumps({"answered": server.answered, "heard": heard, "ends": ends}))


if __name__ == "__main__":
    asyncio.run(main())
