"""The server's own certificate: its dates, its key, its names, its chain."""

import ipaddress
import stat
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, ok, warning

SOON = timedelta(days=14)


def day(moment: datetime) -> str:
    """Write a time as people compare it with the calendar."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Read the certificates of a file. Raises OSError, and ValueError where there are none."""
    return x509.load_pem_x509_certificates(path.read_bytes())


def load(deployed: Deployed) -> list[x509.Certificate]:
    """Read the server's certificate and chain, as who reads it. Raises OSError, ValueError."""
    with deployed.as_reader():
        return read_certificates(deployed.front.certificate)


def _need(deployed: Deployed) -> list[x509.Certificate]:
    try:
        return load(deployed)
    except (OSError, ValueError):
        raise NotChecked("the certificate cannot be read") from None


def check_certificate(deployed: Deployed) -> Finding:
    """It is there, and valid today and for two weeks more."""
    path, reload = deployed.front.certificate, deployed.front.reload
    try:
        first = load(deployed)[0]
    except OSError as error:
        return failed(f"{path}: {error.strerror}", f"Put the certificate there, {reload}")
    except ValueError:
        return failed(f"{path} holds no certificate in PEM", f"Put one there, {reload}")
    now, end = datetime.now(UTC), first.not_valid_after_utc
    renew = f"Put a renewed one there, {reload}"
    if now < first.not_valid_before_utc:
        begin = day(first.not_valid_before_utc)
        return failed(f"{path} is not valid before {begin}", f"Correct the clock; or: {renew}")
    if now > end:
        return failed(f"{path} expired on {day(end)}", renew)
    if end - now < SOON:
        return warning(f"{path} expires on {day(end)}", renew)
    return ok(f"{path}, valid until {day(end)}")


def check_key(deployed: Deployed) -> Finding:
    """The key is the certificate's, without pass phrase, and not for everybody to read."""
    path, reload = deployed.front.key, deployed.front.reload
    public = _need(deployed)[0].public_key()
    try:
        with deployed.as_reader():
            mode, text = path.stat().st_mode, path.read_bytes()
        key = load_pem_private_key(text, password=None)
    except OSError as error:
        return failed(f"{path}: {error.strerror}", f"Put the key there, {reload}")
    except (ValueError, TypeError):
        return failed(
            f"{path} holds no key in PEM without pass phrase",
            f"openssl pkey -in {path} -out {path}.new && mv {path}.new {path}, {reload}",
        )
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != public.public_bytes(*form):
        return failed(
            f"{path} is not the key of {deployed.front.certificate}",
            f"Put key and certificate there that belong together, {reload}",
        )
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        return failed(f"everybody can read {path}", f"chmod o-rwx {path}")
    return ok(str(path))


def check_host_name(deployed: Deployed) -> Finding:
    """The certificate is for the name that clients call the server by."""
    host = deployed.front.host
    if host is None:
        raise NotChecked("no setting tells the server's name: set repoman.base_url")
    try:
        names = _need(deployed)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        listed = []
    else:
        hosts = names.value.get_values_for_type(x509.DNSName)
        listed = hosts + [str(one) for one in names.value.get_values_for_type(x509.IPAddress)]
    if any(_names(one, host) for one in listed):
        return ok(host)
    return failed(
        f"the certificate is not for {host}, but for {', '.join(listed) or 'no name at all'}",
        f"Get one with subjectAltName DNS:{host}, {deployed.front.reload}",
    )


def _names(pattern: str, host: str) -> bool:
    """Compare as RFC 9525 says: a star stands for one label, the first."""
    try:
        return ipaddress.ip_address(pattern) == ipaddress.ip_address(host)
    except ValueError:
        pass
    pattern, host = pattern.lower().rstrip("."), host.lower().rstrip(".")
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return pattern == host


def check_chain(deployed: Deployed) -> Finding:
    """Each further certificate of the file has signed the one before it."""
    chain = _need(deployed)
    for signed, signer in pairwise(chain):
        try:
            signed.verify_directly_issued_by(signer)
        except (ValueError, TypeError, InvalidSignature):
            return warning(
                f"in {deployed.front.certificate}, {signer.subject.rfc4514_string()} follows "
                f"{signed.subject.rfc4514_string()} and has not signed it; some clients give up",
                "Put below each certificate the one that signed it, and no other, "
                f"{deployed.front.reload}",
            )
    if len(chain) == 1:
        return ok("the certificate comes alone")
    return ok(f"{len(chain)} certificates, each signed by the next")
