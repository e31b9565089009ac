"""Real certificates for tests: authorities, end entities, RFC 3820 proxies, revocation lists.

Everything is made by the ``cryptography`` package with P-256 keys, in about a millisecond each,
and satisfies OpenSSL's strict checks, so the same holders serve unit tests and real TLS.
"""

from __future__ import annotations

import inspect
import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.name import _NAME_TO_NAMEOID, _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TYPES = _NAME_TO_NAMEOID | {
    "SN": NameOID.SURNAME,
    "title": NameOID.TITLE,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}
PROXY_CERT_INFO = "1.3.6.1.5.5.7.1.14"
INHERIT_ALL = "1.3.6.1.5.5.7.21.1"
INDEPENDENT = "1.3.6.1.5.5.7.21.2"
LIMITED = "1.3.6.1.4.1.3536.1.1.1.9"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Extension = tuple[x509.ExtensionType, bool]  # and whether it is critical
Pair = tuple[str, str]
Subject = x509.Name | str | Sequence[Pair | Sequence[Pair]]


def make_name(subject: Subject, string_type: str | None = None) -> x509.Name:
    """Build a name from pairs, root first; a list of pairs within is one multi-valued RDN.

    A type is a short name of ``TYPES`` or a dotted OID. A string such as ``/O=Grid/CN=Ann`` is
    split at every slash, without escapes. ``string_type`` ("BMPString" ...) is that of all values.
    """
    if isinstance(subject, x509.Name):
        return subject
    if isinstance(subject, str):
        subject = [tuple(part.split("=", 1)) for part in subject.split("/")[1:]]
    asn1 = getattr(_ASN1Type, string_type) if string_type else None

    def attribute(pair: Pair) -> x509.NameAttribute[str]:
        oid = TYPES.get(pair[0]) or x509.ObjectIdentifier(pair[0])
        return x509.NameAttribute(oid, pair[1], asn1)

    return x509.Name(
        x509.RelativeDistinguishedName(
            [attribute(rdn)] if isinstance(rdn, tuple) else [attribute(pair) for pair in rdn]
        )
        for rdn in subject
    )


def der(tag: int, *contents: bytes) -> bytes:
    """Encode one DER value shorter than 128 bytes."""
    content = b"".join(contents)
    return bytes([tag, len(content)]) + content


def proxy_info(language: str, path_length: int | None = None, policy: bytes | None = None) -> bytes:
    """Encode a ProxyCertInfo extension, RFC 3820 section 3.8."""
    limit = b"" if path_length is None else asn1.encode_der(path_length)
    rule = b"" if policy is None else asn1.encode_der(policy)
    return der(0x30, limit, der(0x30, asn1.encode_der(x509.ObjectIdentifier(language)), rule))


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _authority_key(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_usage(*bits: str) -> x509.KeyUsage:
    names = inspect.signature(x509.KeyUsage).parameters
    return x509.KeyUsage(**{name: name in bits for name in names})


def _sign(
    subject: x509.Name,
    key: Key,
    signer: tuple[x509.Name, Key],
    validity: tuple[datetime, datetime],
    extensions: Iterable[Extension],
    *,
    rsa_padding: padding.PSS | None = None,
) -> x509.Certificate:
    identifiers: list[Extension] = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (_authority_key(signer[1]), False),
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[0])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
    )
    for extension, critical in [*identifiers, *extensions]:
        builder = builder.add_extension(extension, critical)
    digest = None if isinstance(signer[1], ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer[1], digest, rsa_padding=rsa_padding)


def _validity(
    days: float, not_before: datetime | None, not_after: datetime | None
) -> tuple[datetime, datetime]:
    now = datetime.now(UTC).replace(microsecond=0)
    start = not_before or min(now, not_after or now) - timedelta(hours=1)
    return start, not_after or now + timedelta(days=days)


def to_pem(signed: x509.Certificate | x509.CertificateRevocationList) -> str:
    """Write a certificate as SSL_CLIENT_CERT carries it, or a revocation list."""
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _mod_ssl_dn(name: x509.Name) -> str:
    email = {NameOID.EMAIL_ADDRESS: "emailAddress", NameOID.SERIAL_NUMBER: "serialNumber"}
    return name.rfc4514_string(email).encode().decode("latin-1")


@dataclass(frozen=True)
class Holder:
    """A certificate with its key; ``chain`` is what is sent after it: a proxy's issuers."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        return to_pem(self.certificate)

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def proxy(
        self,
        *,
        limited: bool = False,
        independent: bool = False,
        language: str | None = None,
        path_length: int | None = None,
        policy: bytes | None = None,
        cn: str | None = None,
        subject: Subject | None = None,
        issuer: Subject | None = None,
        info: bytes | None = None,
        oid: str = PROXY_CERT_INFO,
        critical: bool = True,
        key: Key | None = None,
        rsa_padding: padding.PSS | None = None,
        extensions: Iterable[Extension] = (),
        days: float = 0.5,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Holder:
        """Sign a proxy; what follows ``cn`` can break RFC 3820."""
        language = language or (LIMITED if limited else INDEPENDENT if independent else INHERIT_ALL)
        own = self.certificate.subject
        digits = make_name([("CN", cn or str(secrets.randbelow(10**9)))])
        info = info if info is not None else proxy_info(language, path_length, policy)
        key = key or _new_key()
        certificate = _sign(
            make_name(subject) if subject else x509.Name([*own.rdns, *digits.rdns]),
            key,
            (make_name(issuer) if issuer else own, self.key),
            _validity(days, not_before, not_after),
            [
                (_key_usage("digital_signature", "key_encipherment"), True),
                (x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), info), critical),
                *extensions,
            ],
            rsa_padding=rsa_padding,
        )
        return Holder(certificate, key, (self.certificate, *self.chain))

    def environ(self, *, chain: Iterable[x509.Certificate] | None = None) -> dict[str, Any]:
        """Return what mod_ssl puts into a WSGI environ (+StdEnvVars +ExportCertData).

        ``tests.holder`` is for `tests.apache.front`, which shows the certificate to a real Apache.
        """
        sent = self.chain if chain is None else tuple(chain)
        gmt = "%b %d %H:%M:%S %Y GMT"
        return {
            "HTTPS": "on",
            "wsgi.url_scheme": "https",
            "SSL_CLIENT_VERIFY": "SUCCESS",
            "SSL_CLIENT_S_DN": _mod_ssl_dn(self.certificate.subject),
            "SSL_CLIENT_I_DN": _mod_ssl_dn(self.certificate.issuer),
            "SSL_CLIENT_M_SERIAL": f"{self.certificate.serial_number:X}",
            "SSL_CLIENT_V_START": self.certificate.not_valid_before_utc.strftime(gmt),
            "SSL_CLIENT_V_END": self.certificate.not_valid_after_utc.strftime(gmt),
            "SSL_CLIENT_CERT": self.pem,
            "tests.holder": Holder(self.certificate, self.key, sent),
            **{f"SSL_CLIENT_CERT_CHAIN_{n}": to_pem(one) for n, one in enumerate(sent)},
        }

    def write(self, folder: Path, name: str | None = None) -> Path:
        """Write certificate, key and chain into one file, as ``curl --cert`` takes it."""
        path = folder / (name or f"{self.certificate.serial_number:x}.pem")
        path.write_text(self.pem + self.key_pem + "".join(to_pem(one) for one in self.chain))
        path.chmod(0o600)
        return path


@dataclass
class CertificateAuthority:
    """A self-signed authority that issues end entities and revokes them."""

    subject: Subject = "/C=CA/O=Test Grid/CN=Test CA"
    days: float = 3650
    key: Key = field(default_factory=_new_key, repr=False)

    def __post_init__(self) -> None:
        own = make_name(self.subject)
        basic = x509.BasicConstraints(ca=True, path_length=None)
        usage = _key_usage("key_cert_sign", "crl_sign", "digital_signature")
        self.certificate = _sign(
            own,
            self.key,
            (own, self.key),
            _validity(self.days, None, None),
            [(basic, True), (usage, True)],
        )

    @property
    def pem(self) -> str:
        return to_pem(self.certificate)

    def issue(
        self,
        subject: Subject,
        *,
        string_type: str | None = None,
        hostnames: Iterable[str] = (),
        usage: Iterable[str] = ("digital_signature", "key_encipherment"),
        extensions: Iterable[Extension] = (),
        key: Key | None = None,
        days: float = 30,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Holder:
        """Issue an end entity's certificate; ``hostnames`` (or addresses) make it a server's too.

        An expired one: ``not_after=datetime.now(UTC) - timedelta(minutes=1)``.
        """
        key = key or _new_key()
        added = list(extensions)
        if names := [_general_name(host) for host in hostnames]:
            added.append((x509.SubjectAlternativeName(names), False))
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        certificate = _sign(
            make_name(subject, string_type),
            key,
            (self.certificate.subject, self.key),
            _validity(days, not_before, not_after),
            [
                (x509.BasicConstraints(ca=False, path_length=None), True),
                (_key_usage(*usage), True),
                (x509.ExtendedKeyUsage(uses[: 2 if names else 1]), False),
                *added,
            ],
        )
        return Holder(certificate, key)

    def revoke(
        self,
        serials: Iterable[int] = (),
        *,
        days: float = 30,
        not_before: datetime | None = None,
        number: int | None = None,
        extensions: Iterable[Extension] = (),
    ) -> str:
        """Return a revocation list (PEM) that names these serial numbers.

        Its number is made up unless given; 0 stands for none.
        """
        start, end = _validity(days, not_before, None)
        builder = x509.CertificateRevocationListBuilder(self.certificate.subject, start, end)
        builder = builder.add_extension(_authority_key(self.key), False)
        if number != 0:
            number = number or secrets.randbelow(2**32)
            builder = builder.add_extension(x509.CRLNumber(number), False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        for serial in serials:
            entry = x509.RevokedCertificateBuilder(serial, start)
            builder = builder.add_revoked_certificate(entry.build())
        return to_pem(builder.sign(self.key, hashes.SHA256()))


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
