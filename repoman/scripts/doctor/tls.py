"""The running server's TLS: which certificate, which versions, what it asks of clients."""

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from repoman.scripts.deployment import NO_SESSION_CACHE
from repoman.scripts.doctor.certificates import load
from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, ok, warning
from repoman.scripts.doctor.wire import OLD, Unreachable, make_context

V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
PROTOCOLS = "Put SSLProtocol -all +TLSv1.2 +TLSv1.3 into repoman.conf, then: {}"


def check_answers(deployed: Deployed) -> Finding:
    """It takes connections at its address, and answers in HTTPS."""
    if deployed.options.offline:
        raise NotChecked("--offline leaves out what asks the running server")
    server, front = deployed.server, deployed.front
    try:
        answer = server.ask("/api")
    except Unreachable as error:
        return failed(
            f"there is no answer at {server} ({error})",
            f"{front.restart}, and look into its error log; where clients come in at another "
            "address, name it: --connect ADDRESS:PORT",
        )
    if answer.status != 200:
        return failed(
            f"GET /api at {server} is answered with {answer.status}",
            f"Look into its error log; then: {front.restart}",
        )
    return ok(f"GET /api at {server}")


def check_shown(deployed: Deployed) -> Finding:
    """It shows the certificate that is in the file."""
    shown = x509.load_der_x509_certificate(deployed.entrance.certificate)
    try:
        first = load(deployed)[0]
    except (OSError, ValueError):
        raise NotChecked("the certificate's file cannot be read") from None
    if shown == first:
        return ok("it is the one in the file")
    return failed(
        f"the server shows {shown.subject.rfc4514_string()}, serial number "
        f"{shown.serial_number:x}, and not what is in {deployed.front.certificate}",
        f"{deployed.front.restart}; or another server listens at {deployed.server}",
    )


def check_versions(deployed: Deployed) -> Finding:
    """TLS 1.2 and 1.3, and nothing older."""
    for version, name in ((V1_2, "1.2"), (V1_3, "1.3")):
        try:
            deployed.server.ask("/api", context=make_context(version))
        except Unreachable as error:
            return failed(f"there is no TLS {name} ({error})", _protocols(deployed))
    try:
        deployed.server.ask("/api", context=make_context(OLD))
    except Unreachable:
        return ok("1.2 and 1.3")
    except (ssl.SSLError, ValueError):
        return ok("1.2 and 1.3; older ones cannot be tried from here")
    return failed("the server speaks TLS 1.1, which is not safe", _protocols(deployed))


def _protocols(deployed: Deployed) -> str:
    return PROTOCOLS.format(deployed.front.reload.removeprefix("then: "))


def check_sessions(deployed: Deployed) -> Finding:
    """No session is resumed: it would arrive without the chain of a proxy.

    TLS 1.3 sends what it takes to resume with the answer, so that is read first. Apache goes on
    sending that under ``SSLSessionTickets off``, but resumes nothing.
    """
    for version, name in ((V1_2, "1.2"), (V1_3, "1.3")):
        context = make_context(version)
        try:
            session = deployed.server.ask("/api", context=context).session
            if session is None:
                continue
            resumed = deployed.server.ask("/api", context=context, session=session).resumed
        except Unreachable as error:
            raise NotChecked(f"the server does not speak TLS {name} ({error})") from None
        if resumed:
            return failed(
                f"the server resumes sessions of TLS {name}, which come without the chain of a "
                "proxy certificate: proxies are refused now and then",
                "Put SSLSessionCache none and SSLSessionTickets off into Apache's configuration, "
                "outside of every VirtualHost, and take every other of these out, which none does "
                f"not undo: {NO_SESSION_CACHE} && {deployed.front.restart}",
            )
    return ok("none is resumed")


def check_client_certificates(deployed: Deployed) -> Finding:
    """It asks for a certificate, and refuses one that no authority has signed.

    Shown is one made up here: only whoever is asked for it sends it, and is then refused.
    """
    with tempfile.TemporaryDirectory(prefix="repoman-doctor-") as folder:
        path = Path(folder, "stranger.pem")
        path.write_bytes(_make_stranger())
        context = make_context(certificate=path)
    try:
        deployed.server.ask("/api", context=context)
    except Unreachable as error:
        if error.refused:
            return ok("it asks for one, and refuses a stranger's")
        return warning(f"to a stranger's certificate, the server says: {error}", "Run this again")
    return failed(
        "the server does not ask for a certificate, or lets in one that no authority has signed",
        f"Put SSLVerifyClient optional into the VirtualHost, then: {deployed.front.restart}",
    )


def _make_stranger() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "repoman-admin doctor")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return certificate.public_bytes(pem) + key.private_bytes(pem, *plain)
