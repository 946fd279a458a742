"""Who may talk to the API server, and how: tokens, kubeconfigs, the key that signs ServiceAccount tokens."""

import csv
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of the token file; without a group it may do nothing until RBAC grants it something."""

    name: str
    groups: tuple[str, ...] = ()


ADMIN = Identity("admin", ("system:masters",))
CONTROLLER_MANAGER = Identity("controller-manager", ("system:masters",))
GUEST = Identity("guest")
IDENTITIES = (ADMIN, CONTROLLER_MANAGER, GUEST)


def write_tokens(path: Path) -> None:
    """Write a --token-auth-file with a fresh token for each identity."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        for identity in IDENTITIES:
            rows.writerow([secrets.token_urlsafe(24), identity.name, identity.name, ",".join(identity.groups)])


def read_tokens(path: Path) -> dict[str, str]:
    """Token by identity name."""
    with path.open(newline="") as file:
        return {name: token for token, name, *_ in csv.reader(file)}


def write_kubeconfig(path: Path, *, server: str, ca_file: Path, token: str) -> None:
    """Write a kubeconfig with one context, as JSON, which is YAML; `ca_file` checks the server's certificate."""
    name = "herder-rig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": str(ca_file)}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path.write_text(json.dumps(config, indent=2))


def write_signing_key(path: Path) -> None:
    """Write a fresh RSA key in PEM: the API server checks ServiceAccount tokens by it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
