"""A small certificate authority for development: made on the first start, renewed when it ends.

Its certificates satisfy OpenSSL's and Python's strict checks (RFC 5280), and RFC 3820 proxies can
be made from those of people.
"""

import fcntl
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from repoman.scripts.files import write_whole

PEOPLE = {"admin": "Admin", "alice": "Alice", "bob": "Bob"}
"""File name and common name of each person."""
P12_PASSWORD = "repoman"  # noqa: S105  # no secret: browsers import no file without one
AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 365  # browsers refuse a server's that is valid for more than 398
RENEW_DAYS = 30


class PkiError(Exception):
    """A file of the authority's that cannot be used; the message says which and what to do."""


def ensure(folder: Path) -> dict[str, Path]:
    """Make what is missing, renew what ends within 30 days, and leave everything else alone.

    Returns the paths of ``ca server admin alice bob`` (PEM, with the key in the same file except
    for ``ca``) and of ``alice.p12``, which a browser takes with `P12_PASSWORD`. A renewed
    certificate keeps its name and key; with the authority's all are renewed. Raises `PkiError`
    for a file that is not what it should be. Several processes may call it at once.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.pem" for name in ("ca", "server", *PEOPLE)}
    paths["alice.p12"] = folder / "alice.p12"
    with _locked(folder):
        renewed = _ensure_authority(paths["ca"])
        for name in ("server", *PEOPLE):
            if renewed or _is_due(paths[name]):
                certificate, key = _issue(name, paths)
                if name == "alice":  # before the PEM file, which alone tells whether it is due
                    write_whole(paths["alice.p12"], _p12(certificate, key))
                write_whole(paths[name], _pem(certificate) + _key_pem(key))
        if not paths["alice.p12"].exists():
            alice = read_certificate(paths["alice"]), _read_key(paths["alice"])
            write_whole(paths["alice.p12"], _p12(*alice))
    return paths


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _ensure_authority(path: Path) -> bool:
    """Make or renew the authority's certificate; return whether that was due."""
    if not _is_due(path):
        return False
    key_path = path.with_suffix(".key")
    if not path.exists() and not key_path.exists():
        write_whole(key_path, _key_pem(_new_key()))
    key = _read_key(key_path)
    name = _name("Repoman Development CA")
    builder = _builder(name, key, datetime.now(UTC) + timedelta(days=AUTHORITY_DAYS))
    certificate = (
        builder.issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_whole(path, _pem(certificate), 0o644)
    return True


def _issue(name: str, paths: dict[str, Path]) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """Sign a certificate for the key that the file already holds, or for a new one."""
    authority = read_certificate(paths["ca"])
    authority_key = _read_key(paths["ca"].with_suffix(".key"))
    key = _read_key(paths[name]) if paths[name].exists() else _new_key()
    end = min(datetime.now(UTC) + timedelta(days=CERTIFICATE_DAYS), authority.not_valid_after_utc)
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH
    builder = _builder(_name(PEOPLE.get(name, "localhost")), key, end)
    if name == "server":
        purpose = ExtendedKeyUsageOID.SERVER_AUTH
        addresses = [ipaddress.ip_address(address) for address in ("127.0.0.1", "::1")]
        hosts = [x509.DNSName("localhost"), *map(x509.IPAddress, addresses)]
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    certificate = (
        builder.issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature", "key_encipherment"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return certificate, key


def _name(common_name: str) -> x509.Name:
    pairs = (
        (NameOID.COUNTRY_NAME, "XX"),
        (NameOID.ORGANIZATION_NAME, "Repoman Development"),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _builder(name: x509.Name, key: rsa.RSAPrivateKey, end: datetime) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))  # clocks differ
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*uses: str) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
        " key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{use: use in uses for use in every.split()})


def _new_key() -> rsa.RSAPrivateKey:
    # RSA, because older grid tools make proxies from nothing else.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _is_due(path: Path) -> bool:
    if not path.exists():
        return True
    limit = datetime.now(UTC) + timedelta(days=RENEW_DAYS)
    return read_certificate(path).not_valid_after_utc < limit


def read_certificate(path: Path) -> x509.Certificate:
    """Read the first certificate of a file, which may hold its key too. Raises `PkiError`."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _unusable(path, "certificate", error) from None


def _read_key(path: Path) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(path, "private key", error) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unusable(path, "private key", ValueError("it is no RSA key"))
    return key


def _unusable(path: Path, what: str, error: Exception) -> PkiError:
    reason = getattr(error, "strerror", None) or str(error)
    return PkiError(
        f"{path}: the {what} cannot be read ({reason});"
        f" put it back, or remove the folder {path.parent} to begin anew"
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _p12(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bytes:
    # PBES2 with AES-256, which every browser of the last years imports.
    encryption = serialization.BestAvailableEncryption(P12_PASSWORD.encode())
    name = certificate.subject.rfc4514_string().encode()
    return pkcs12.serialize_key_and_certificates(name, key, certificate, None, encryption)
