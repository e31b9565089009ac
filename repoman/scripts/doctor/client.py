"""``--certificate``: whether this server lets a client certificate in, and as whom."""

import os
import re
import shutil
import subprocess
import tempfile
import unicodedata
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from repoman.certificates import presented
from repoman.certificates.names import DistinguishedName
from repoman.certificates.presented import InvalidCertificate, Presented
from repoman.errors import AccountSuspended, CertificateUnknown
from repoman.models import Certificate, User
from repoman.names import RESERVED_USERS, fold_account
from repoman.scripts.doctor.certificates import day
from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, ok
from repoman.services.identities import identify

COMMON_NAME = "2.5.4.3"
NEW_ONE = "They need another certificate of their authority's"
REMEDIES = {
    "certificate has expired": "They must renew it; of a proxy, they must make a new one",
    "certificate revoked": NEW_ONE,
    "certificate is not yet valid": "Wait, or correct the clock",
    "unable to get certificate CRL": 'See "revocation lists" above',
    "CRL has expired": 'See "revocation lists" above',
    "proxy certificates not allowed": 'See "proxy certificates" above',
}


def read(path: Path) -> list[x509.Certificate]:
    """Read the certificates of the file, the presented one first. Raises `NotChecked`."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise NotChecked(f"{path}: {error.strerror}") from None
    except ValueError:
        raise NotChecked(f"{path} holds no certificate in PEM") from None


def _path(deployed: Deployed) -> Path:
    if deployed.options.certificate is None:
        raise NotChecked("--certificate FILE names none")
    return deployed.options.certificate


def _accepts_proxies(deployed: Deployed) -> bool:
    if deployed.settings.accept_proxies is not None or not deployed.front.is_apache:
        return bool(deployed.settings.accept_proxies)
    # The module tells the application itself that proxies are let in.
    return "proxy_certs" in deployed.apache.modules


def check_verified(deployed: Deployed) -> Finding:
    """The server's TLS lets it in: by its authorities, its lists and its dates."""
    path, front = _path(deployed), deployed.front
    certificates = read(path)
    if (openssl := shutil.which("openssl")) is None:
        raise NotChecked("there is no openssl here: apt-get install openssl")
    with tempfile.TemporaryDirectory(prefix="repoman-doctor-") as folder:
        # Without the private key, which the file may have too.
        leaf, chain = Path(folder, "leaf.pem"), Path(folder, "chain.pem")
        leaf.write_bytes(_pem(certificates[:1]))
        chain.write_bytes(_pem(certificates))
        command = [openssl, "verify", "-no-CApath", "-no-CAstore", "-purpose", "sslclient"]
        command += ["-CAfile", str(front.authorities), "-untrusted", str(chain)]
        if front.revocations and front.revocations.exists():
            command += ["-CRLfile", str(front.revocations), "-crl_check_all"]
        if not front.is_apache or _accepts_proxies(deployed):
            command.append("-allow_proxy_certs")
        told = subprocess.run(  # noqa: S603 - files of our own or of the configuration
            [*command, str(leaf)], capture_output=True, text=True, check=False
        )
    if told.returncode == 0:
        return ok(f"{front.authorities} verifies {path}")
    found = re.search(r"error \d+ at \d+ depth lookup: *(.*)", told.stderr + told.stdout)
    problem = found[1] if found else told.stderr.strip()
    add = f"Put its authority into {front.authorities}, {front.reload}"
    return failed(
        f"the server refuses {path} in the handshake: {problem}", REMEDIES.get(problem, add)
    )


def _pem(certificates: list[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def check_identity(deployed: Deployed) -> Finding:
    """Say who it is here, by the rules of the application itself."""
    path = _path(deployed)
    pems = [_pem([one]).decode() for one in read(path)]
    environ = {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_CERT": pems[0]}
    environ |= {f"SSL_CLIENT_CERT_CHAIN_{n}": pem for n, pem in enumerate(pems[1:])}
    try:
        shown = presented.read(environ, accept_proxies=_accepts_proxies(deployed))
    except InvalidCertificate as error:
        return failed(f"{path} is nobody: {error}", "")
    if shown is None:
        raise NotChecked(f"{path} shows nothing")
    try:
        with deployed.reading() as session:
            return _identify(deployed, session, shown)
    except SQLAlchemyError:
        raise NotChecked("the database does not answer") from None


def _identify(deployed: Deployed, session: Session, shown: Presented) -> Finding:
    try:
        found = identify(session, shown, require_issuer=deployed.settings.require_issuer)
    except CertificateUnknown:
        return _unknown(deployed, session, shown)
    except AccountSuspended:
        user = _registered(session, shown)[0].user.name
        resume = deployed.command("user", "resume", user)
        return failed(f"{_describe(shown)} is {user}, who is suspended", resume)
    admin = ", an admin" if found.is_admin else ""
    return ok(f"{found.user_name}{admin}: {_describe(shown)}")


def _describe(shown: Presented) -> str:
    parts = [shown.end_entity.slash]
    if shown.issuer:
        parts.append(f"issued by {shown.issuer.slash}")
    if shown.depth:
        kind = "limited proxy" if shown.limited else "proxy"
        parts.append(f"{kind} of depth {shown.depth}, presented as {shown.subject.slash}")
    if shown.not_after:
        parts.append(f"valid until {day(shown.not_after)}")
    return ", ".join(parts)


def _registered(session: Session, shown: Presented) -> list[Certificate]:
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.dn == shown.end_entity.canonical)
            .order_by(Certificate.id)
        )
    )


def _unknown(deployed: Deployed, session: Session, shown: Presented) -> Finding:
    """Say by which command the certificate becomes a user's.

    The file itself will do where the server's user can read it. Not a proxy's, in which the first
    certificate is nobody's own.
    """
    if others := _registered(session, shown):
        one = others[0]
        issuer = f"of the issuer {one.shown_issuer}" if one.shown_issuer else "without issuer"
        return failed(
            f"{_describe(shown)} is nobody: the name is {one.user.name}'s {issuer} alone",
            f"Add it to {one.user.name}: POST it to /api/users/{one.user.name}/certificates",
        )
    name = propose_name(session, shown.end_entity)
    path = _path(deployed).absolute()
    with deployed.as_server():
        readable = os.access(path, os.R_OK, effective_ids=True)
    if readable and not shown.depth:
        who = ["--certificate", str(path)]
    else:
        who = ["--dn", shown.end_entity.slash]
        who += ["--issuer", shown.issuer.slash] if shown.issuer else []
    return failed(
        f"nobody is registered as {_describe(shown)}",
        deployed.command("user", "add", name, *who),
    )


def propose_name(session: Session, subject: DistinguishedName) -> str:
    """Make a user name that is free of the last CN, such as ``ann.lee`` of Ann Lee."""
    names = [value for rdn in subject.rdns for oid, value in rdn if oid == COMMON_NAME]
    text = unicodedata.normalize("NFKD", str(names[-1]) if names else "")
    plain = re.sub(r"[^a-z0-9]+", ".", text.encode("ascii", "ignore").decode().lower())
    base = fold_account(plain.strip(".")[:90]) or "user"
    taken = set(session.scalars(select(User.name))) | RESERVED_USERS
    return next(
        name for n in range(1, len(taken) + 2) if (name := base + f".{n}" * (n > 1)) not in taken
    )
