"""The bodies of answers: read up to a cap, and only as they are, neither followed nor unpacked."""

from collections.abc import AsyncIterator

import aiohttp

from herder.net.errors import BodyTooLarge, Malformed, Redirected
from herder.net.failures import late, net_error
from herder.net.outgoing import origin_of


def check_plain(response: aiohttp.ClientResponse) -> None:
    """Raise Redirected or Malformed for an answer that would have to be followed or unpacked."""
    if 300 <= response.status < 400:  # noqa: PLR2004  the class of redirects
        answered = f"{origin_of(response.url)} answered {response.status}"
        raise Redirected(f"{answered}, a redirect, which is not followed: name the final URL")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Malformed(f"{origin_of(response.url)} sent a compressed answer that was not asked for")


async def whole(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """Return the body in full. Raises BodyTooLarge, and what aiohttp raises."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(response, max_bytes)
    return bytes(body)


async def chunks(response: aiohttp.ClientResponse, max_bytes: int, deadline_s: float) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raises NetError; `deadline_s` is the one that the exchange has been given."""
    origin, received = origin_of(response.url), 0
    try:
        async for chunk in response.content.iter_any():
            received += len(chunk)
            if received > max_bytes:
                raise _too_large(response, max_bytes)
            yield chunk
    except TimeoutError as error:
        raise late(origin, deadline_s) from error
    except (aiohttp.ClientError, OSError) as error:
        raise net_error(error, origin) from error


def _too_large(response: aiohttp.ClientResponse, max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"{origin_of(response.url)} sent more than {max_bytes} bytes")
