# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for tests: authority.issue("name") gives key and certificate, as PEM bytes and as files."""
import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


KEY_ID = b"ddgate tests"  # the same of every authority: another one has the name, and not the key


@dataclass
class Issued:
    key: bytes
    cert: bytes
    key_path: Path
    cert_path: Path


class Authority:
    def __init__(self, directory):
        self.directory = Path(directory)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ddgate tests")])
        ca = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
                               "decipher_only"), False)
        ca = ca.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        self.cert = ca.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.path = self.directory / "ca.pem"
        self.path.write_bytes(self.cert)

    def _builder(self, subject, key, days=2):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=9))
                .not_valid_after(now + datetime.timedelta(days=days))
                # what Python checks strictly since 3.13
                .add_extension(x509.SubjectKeyIdentifier(KEY_ID if key is self._key else subject.public_bytes()[-20:]), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier(KEY_ID, None, None), critical=False))

    def issue(self, name, hosts=("localhost",), addresses=("127.0.0.1",), days=2):
        """`days` below zero: it expired that long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(h) for h in hosts] + [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        cert = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, days)
        cert = cert.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(self._key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        issued = Issued(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()), cert.public_bytes(pem),
                        self.directory / f"{name}.key", self.directory / f"{name}.pem")
        issued.key_path.write_bytes(issued.key)
        issued.cert_path.write_bytes(issued.cert)
        return issued
