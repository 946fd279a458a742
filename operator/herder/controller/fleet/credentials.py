"""What a gateway's Secrets must hold to be of use: looked at before any replica is asked, and told by name."""

from herder.controller.cluster.secrets import SecretMissing
from herder.net import tls
from herder.net.errors import TlsRefused
from herder.net.tls import Trust


def check_key(api_key: str, secret: str) -> None:
    """Refuse what no header can hold: no replica could ever be asked with it. Raises SecretMissing."""
    if not api_key.isprintable():
        what = "holds a key with a line break or another control character within"
        raise SecretMissing(f"Secret {secret}, named by spec.auth.apiKeySecretRef, {what}: correct it")


def check_bundle(pem: str, secret: str) -> None:
    """Refuse what is no bundle of certificates. Raises SecretMissing."""
    try:
        tls.context(Trust(pem))
    except TlsRefused:
        text = f"Secret {secret}, named by spec.tls.caSecretRef, holds no readable PEM certificate: correct it"
        raise SecretMissing(text) from None
