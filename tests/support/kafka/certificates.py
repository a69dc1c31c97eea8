"""Certificates of an authority that is made for a test, as the files that brokers and clients read."""

from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


class Certificates:
    """An authority with the certificates of one broker and one client.

    Args:
        folder: For the files.
        host: What clients call the broker.

    Attributes:
        authority: File with the authority's own certificate.
        broker: File with the broker's key and certificates.
        client: File with the client's certificates.
        client_key: File with the client's key.
    """

    def __init__(self, folder: Path, host: str) -> None:
        made = trustme.CA()
        self.authority, self.broker = folder / "authority.pem", folder / "broker.pem"
        self.client, self.client_key = folder / "client.pem", folder / "client-key.pem"
        made.cert_pem.write_to_path(self.authority)
        broker = made.issue_cert(host)
        self.broker.write_bytes(_pkcs8(broker) + _chain(broker))
        client = made.issue_cert("services@closecast.test", common_name="closecast")
        self.client.write_bytes(_chain(client))
        client.private_key_pem.write_to_path(self.client_key)


def _chain(certificate: trustme.LeafCert) -> bytes:
    return b"".join(one.bytes() for one in certificate.cert_chain_pems)


def _pkcs8(certificate: trustme.LeafCert) -> bytes:
    """Return the key in the only form that Kafka reads."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
