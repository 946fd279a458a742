"""What aiohttp raises, as one of herder's own errors: short, printable, in the system's own words."""

import os
import ssl

import aiohttp

from herder.net.errors import DeadlineExceeded, NetError, NotHttp, NotTls, TlsRefused, Unreachable
from herder.net.text import untrusted

NO_TLS = "no TLS connection came about: what answers there does not speak TLS"


def net_error(error: aiohttp.ClientError | OSError, origin: str) -> NetError:
    """Return what an error means for an exchange with `origin`."""
    match error:
        case aiohttp.ClientSSLError() | ssl.SSLError():  # first, for these are connection errors, too
            return _tls_error(error, origin)
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
            return Unreachable(f"{origin}: {untrusted(_broken_reason(error))}")
        case _:
            return NotHttp(f"{origin} does not answer in valid HTTP")


def late(origin: str, deadline_s: float) -> DeadlineExceeded:
    """Return what says that an exchange with `origin` did not end in time."""
    return DeadlineExceeded(f"{origin} did not answer within {deadline_s:g} s")


def _tls_error(error: aiohttp.ClientError | OSError, origin: str) -> TlsRefused:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
        return NotTls(f"{origin}: {NO_TLS}")
    return TlsRefused(f"{origin}: {untrusted(_tls_reason(error))}")


def _tls_reason(error: aiohttp.ClientError | OSError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
        reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
        return f"the certificate is refused: {reason}"
    return f"no TLS connection came about: {_os_reason(error)}"


def _broken_reason(error: aiohttp.ClientError | OSError) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "the name does not resolve"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed without an answer"
        case aiohttp.ClientPayloadError():
            return "the answer was broken off"
        case _:
            return _os_reason(error)


def _os_reason(error: BaseException) -> str:
    """The system's own words for an errno: str() of aiohttp's errors shows objects and addresses."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    match cause:
        case ssl.SSLError(reason=str(reason)):
            return reason.replace("_", " ").lower()
        case OSError(errno=int(number)):
            return os.strerror(number).lower()
        case _:
            return "the connection failed"
