"""What can go wrong between herder and an address that a user named.

    NetError
    ├── AddressRefused     the address policy forbids the host; nothing was sent
    ├── NotPermitted       it would have changed something, which this process may not do now; nothing was sent
    ├── Unreachable        no connection, or it broke: refused, reset, no such name, closed without an answer
    ├── DeadlineExceeded   the whole exchange did not end in time
    ├── TlsRefused         the certificate or the handshake is not acceptable
    │   └── NotTls         what answers does not speak TLS
    ├── Redirected         a 3xx answer; herder goes only where it was sent
    ├── Unimplemented      a gRPC peer that knows no such call
    ├── Denied             a gRPC peer that asks for other credentials
    ├── BodyTooLarge       the answer is larger than the caller allows; what was read is thrown away
    └── Malformed          what came, or was to be sent, is not HTTP as it should be
        ├── NotHttp        what answers does not speak HTTP
        └── NotGrpc        what answers does not speak HTTP/2, and so no gRPC

Every message is one short printable line and fit for a status: no header, no body, no user info.
"""


class NetError(Exception):
    """An exchange that brought no answer."""


class AddressRefused(NetError):
    """The address policy forbids this host; nothing was sent to it.

    `what` says why; `otherwise` what can be done but to name another host, empty where that is all.
    """

    def __init__(self, what: str, otherwise: str = "") -> None:
        super().__init__(f"{what}: {otherwise}" if otherwise else what)
        self.what = what
        self.otherwise = otherwise

    def remedied(self, field: str, *, then: str = "") -> str:
        """Return what is shown where `field` names the host; `then` is what else the other way takes."""
        return f"{self.what}; correct {field}" + (f", or {self.otherwise}{then}" if self.otherwise else "")


class NotPermitted(NetError):
    """This process may change nothing now; nothing was sent."""


class Unreachable(NetError):
    """No connection came about, or it broke; if it broke, the request may have been carried out."""


class DeadlineExceeded(NetError):
    """The exchange did not end within its deadline; the request may have been carried out."""


class TlsRefused(NetError):
    """The peer's certificate does not stand up to the trust given, or no handshake came about."""


class NotTls(TlsRefused):
    """What answers does not speak TLS."""


class Redirected(NetError):
    """The peer answered with a redirect, which herder never follows."""


class Unimplemented(NetError):
    """The gRPC peer is there and knows no such call."""


class Denied(NetError):
    """The gRPC peer does not take the credentials that came with the call, or asks for some."""


class BodyTooLarge(NetError):
    """The answer's body is larger than the caller allows."""


class Malformed(NetError):
    """The URL, a header to be sent or the answer is not valid HTTP."""


class NotHttp(Malformed):
    """What answers does not speak HTTP."""


class NotGrpc(Malformed):
    """What answers does not speak HTTP/2, and so no gRPC."""
