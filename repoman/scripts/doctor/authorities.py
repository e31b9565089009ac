"""The authorities whose certificates are let in, and their revocation lists."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from repoman.certificates.names import from_x509
from repoman.certificates.revocations import RevocationList, has_signed, read_lists
from repoman.scripts.doctor.certificates import day, read_certificates
from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, first_not_ok, ok, warning

SOON = timedelta(days=2)


def name(certificate: x509.Certificate) -> str:
    """Write an authority's name."""
    return from_x509(certificate.subject).slash


def check_authorities(deployed: Deployed) -> Finding:
    """The file has authorities that are valid today."""
    path, reload = deployed.front.authorities, deployed.front.reload
    try:
        found = _authorities(deployed)
    except OSError as error:
        return failed(f"{path}: {error.strerror}", f"Put the authorities there, {reload}")
    except ValueError:
        return failed(f"{path} holds no certificate in PEM", f"Put them there, {reload}")
    now = datetime.now(UTC)
    bad = [one for one in found if not one.not_valid_before_utc <= now <= one.not_valid_after_utc]
    if not bad:
        return ok(f"{len(found)} in {path}")
    listed = ", ".join(f"{name(one)} ({day(one.not_valid_after_utc)})" for one in bad)
    finding = failed if len(bad) == len(found) else warning
    return finding(
        f"{len(bad)} of {len(found)} authorities in {path} expired, and their users with them: "
        f"{listed}",
        f"Put their new certificates there, or take these away, {reload}",
    )


def _authorities(deployed: Deployed) -> list[x509.Certificate]:
    with deployed.as_reader():
        return read_certificates(deployed.front.authorities)


def check_revocations(deployed: Deployed) -> Finding:
    """Each authority has a list that it signed itself, and that lasts for two days more."""
    path = deployed.front.revocations
    if path is None:
        return warning(
            "none are configured, so revoked certificates are let in",
            "Define REPOMAN_REVOCATIONS in repoman.conf"
            if deployed.front.is_apache
            else "Set crl in [server:main]",
        )
    if not deployed.front.is_apache and not path.exists():
        return warning(
            f"{path} is not there, so revoked certificates are let in", "Put the lists there"
        )
    update = f"Put a fresh list there, {deployed.front.reload}"
    try:
        authorities = _authorities(deployed)
    except (OSError, ValueError):
        raise NotChecked("the authorities cannot be read") from None
    try:
        lists = _read_lists(path, deployed)
    except OSError as error:
        return failed(f"{path}: {error.strerror}", update)
    except ValueError:
        return failed(f"{path} holds what is no revocation list in PEM", update)
    if deployed.front.is_apache:
        update += f"; or: {deployed.command('crl-update', as_root=True)} FILE"
    findings = [_of_authority(one, lists, path, update) for one in authorities]
    return first_not_ok(findings) or ok(f"{path}, one of each authority")


def _read_lists(path: Path, deployed: Deployed) -> list[RevocationList]:
    with deployed.as_reader():
        data = path.read_bytes()
    return read_lists(data, str(path)) if b"X509 CRL" in data else []


def _of_authority(
    authority: x509.Certificate,
    lists: list[RevocationList],
    path: Path,
    update: str,
) -> Finding:
    """Judge an authority's newest list. Without a good one OpenSSL refuses all that it issued."""
    refused = f"every certificate of {name(authority)} is refused"
    own = [one for one in lists if one.crl.issuer == authority.subject]
    if not own:
        return failed(f"{path} has no revocation list of {name(authority)}: {refused}", update)
    signed = [one for one in own if has_signed(authority, one.crl)]
    if not signed:
        return failed(f"{path}: {name(authority)} has not signed its list: {refused}", update)
    ends = [one.ends for one in signed]
    if None in ends:
        return ok("it lasts for ever")
    end, now = max(filter(None, ends)), datetime.now(UTC)
    if end < now:
        return failed(
            f"{path}: the list of {name(authority)} expired on {day(end)}: {refused}", update
        )
    if end - now < SOON:
        return warning(
            f"{path}: the list of {name(authority)} expires on {day(end)}; from then on {refused}",
            update,
        )
    return ok(f"until {day(end)}")
