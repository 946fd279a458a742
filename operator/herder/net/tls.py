"""Whom a TLS connection trusts: the system's authorities, or those of one PEM bundle and nobody else."""

import ssl
from dataclasses import dataclass, field
from functools import lru_cache

from herder.net.errors import TlsRefused

_BUNDLES_KEPT = 64


@dataclass(frozen=True, slots=True)
class Trust:
    """`ca_pem` is a bundle of PEM certificates that replaces the system's authorities; None stands for these.

    `server_name` is the name that the certificate must bear, and that is asked for, instead of the URL's host: for a
    server that is reached by its address. None stands for the host.
    """

    ca_pem: str | None = field(default=None, repr=False)
    server_name: str | None = None


SYSTEM_TRUST = Trust()


@lru_cache(maxsize=_BUNDLES_KEPT)
def context(trust: Trust) -> ssl.SSLContext:
    """Return the one context of `trust`: names are checked, TLS 1.2 is the least.

    The same trust gives the same object, which is what pooled connections are kept apart by. Raises TlsRefused for a
    bundle that holds no certificate: an empty Secret must never fall back to the system's authorities.
    """
    if trust.ca_pem is None:
        made = ssl.create_default_context()
    else:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            made.load_verify_locations(cadata=trust.ca_pem)
        except (ssl.SSLError, ValueError, TypeError) as error:
            raise TlsRefused("the CA bundle given holds no readable PEM certificate") from error
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
