"""Python runs this at its start where the folder is on PYTHONPATH: names below loopback.test are this machine's.

An API server takes no loopback address in an EndpointSlice, but any name of two parts; and no replica of the rig
listens anywhere else.
"""

import socket
from typing import Any

_lookup = socket.getaddrinfo


def _getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    is_ours = isinstance(host, str) and host.endswith(".loopback.test")
    return _lookup("127.0.0.1" if is_ours else host, *args, **kwargs)


socket.getaddrinfo = _getaddrinfo
