"""What keeps strangers out of a release: an API key, a certificate for its ingress, and the password of its Redis."""

import secrets
import ssl
from dataclasses import dataclass, field
from typing import Any

import trustme

from closecast_predictor.access.credentials import Credential, hash_key, new_key
from closecast_predictor.access.permissions import Permission
from tests.support.release import HOST


@dataclass(frozen=True)
class Credentials:
    """Made for one release.

    Attributes:
        key: An API key that may do everything.
        authority: Who has signed the certificate.
    """

    key: str = field(default_factory=new_key)
    authority: trustme.CA = field(default_factory=trustme.CA)

    def objects(self) -> list[dict[str, Any]]:
        """Return them as Kubernetes has them, under the names that values.yaml gives."""
        certificate = self.authority.issue_cert(HOST)
        credential = Credential("e2e", frozenset(Permission), hash_key(self.key.encode()))
        return [
            _secret("e2e-keys", {"keys": str(credential)}),
            _secret("e2e-key", {"api-key": self.key}),
            _secret("redis", {"password": secrets.token_urlsafe()}),
            _secret(
                "e2e-tls",
                {
                    "tls.key": certificate.private_key_pem.bytes().decode(),
                    "tls.crt": "".join(one.bytes().decode() for one in certificate.cert_chain_pems),
                },
                "kubernetes.io/tls",
            ),
        ]

    def trust(self) -> ssl.SSLContext:
        """Return what trusts that certificate and no other."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


def _secret(name: str, data: dict[str, str], kind: str = "Opaque") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": data}
