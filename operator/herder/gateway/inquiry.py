"""The only way to ask a gateway whether a URL is being registered, when the id of that registration was lost.

A pending registration is in no list and its id is in no answer but that of its own POST; a second POST is refused with
the id. So the question is a POST that can't succeed: a settings error that the gateway notices only when it creates the
worker. Measured on smg 1.13.0: it answers 409 with the id while another add is under way, else 202, and then ends as a
404 without ever listing anything, 0.1 s later if the worker answers and at the startup timeout if it does not.
"""


def question(url: str) -> dict[str, object]:
    """Return the body of a POST that registers nothing: each of two settings in it is enough to fail the creation."""
    return {
        "url": url,
        "overload": {"waiting_requests": 0},  # must be 1 at least
        "zmq_handshake_address": "none",  # not on http, and no address
        "priority": 0,
        "labels": {},
    }
