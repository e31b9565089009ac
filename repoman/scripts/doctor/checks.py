"""The table of all checks, in their order, and how they are made one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from traceback import extract_tb

from repoman.scripts.doctor import (
    answers,
    apache,
    authorities,
    certificates,
    client,
    clocks,
    database,
    ini,
    store,
    tls,
)
from repoman.scripts.doctor.acting import is_root
from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, State, failed


class Where(Enum):
    """Where a check has a meaning."""

    EVERYWHERE = "everywhere"
    APACHE = "under Apache"
    CLIENT = "with --certificate"


@dataclass(frozen=True)
class Check:
    """One check: what it is called, what it does, what it cannot do without.

    ``needs`` are titles of earlier checks: where one of them failed or was not made, this one
    cannot be made either.
    """

    title: str
    make: Callable[[Deployed], Finding]
    needs: tuple[str, ...] = ()
    where: Where = Where.EVERYWHERE


APACHE, CLIENT = Where.APACHE, Where.CLIENT

CHECKS = (
    Check("settings", ini.check_settings),
    Check("settings file", ini.check_settings_file),
    Check("server", ini.check_server),
    Check("Apache's modules", apache.check_modules, ("server",), APACHE),
    Check("proxy certificates", apache.check_proxy_certs, ("Apache's modules",), APACHE),
    Check("Apache's Python", apache.check_python, ("server",), APACHE),
    Check("Apache's configuration", apache.check_configuration, ("Apache's modules",), APACHE),
    Check("server certificate", certificates.check_certificate, ("server",)),
    Check("server key", certificates.check_key, ("server",)),
    Check("host name", certificates.check_host_name, ("server",)),
    Check("certificate chain", certificates.check_chain, ("server",)),
    Check("authorities", authorities.check_authorities, ("server",)),
    Check("revocation lists", authorities.check_revocations, ("server",)),
    Check("files as loaded", apache.check_loaded, ("Apache's configuration",), APACHE),
    Check("answers", tls.check_answers, ("server",)),
    Check("certificate shown", tls.check_shown, ("answers",)),
    Check("TLS versions", tls.check_versions, ("answers",)),
    Check("TLS sessions", tls.check_sessions, ("answers",)),
    Check("client certificates", tls.check_client_certificates, ("answers",)),
    Check("version", answers.check_version, ("answers",)),
    Check("health", answers.check_health, ("version",)),
    Check("errors", answers.check_errors, ("version",)),
    Check("large uploads", answers.check_large_uploads, ("version",)),
    Check("HSTS", answers.check_hsts, ("answers",), APACHE),
    Check("compression", answers.check_compression, ("answers",), APACHE),
    Check("database", database.check_database, ("settings",)),
    Check("tables", database.check_schema, ("database",)),
    Check("changes", database.check_changes, ("tables",)),
    Check("administrator", database.check_admin, ("changes",)),
    Check("store", store.check_folder, ("settings",)),
    Check("store takes files", store.check_writable, ("store",)),
    Check("store's room", store.check_room, ("store",)),
    Check("store's files", store.check_contents, ("store", "changes")),
    Check("clock", clocks.check_synchronised),
    Check("clocks agree", clocks.check_agreement),
    Check("client certificate", client.check_verified, ("server", "authorities"), CLIENT),
    Check("client", client.check_identity, ("settings", "changes"), CLIENT),
)


def examine(deployed: Deployed) -> Iterator[tuple[Check, Finding]]:
    """Make every check that has a meaning here, and yield what it found."""
    states: dict[str, State] = {}
    for check in CHECKS:
        if check.where is APACHE and not deployed.conf.exists():
            continue
        if check.where is CLIENT and deployed.options.certificate is None:
            continue
        missing = [one for one in check.needs if states[one] in _USELESS]
        if missing:
            finding = Finding(State.NOT_CHECKED, f'"{missing[0]}" is not ok')
        else:
            finding = _make(check, deployed)
        states[check.title] = finding.state
        yield check, finding


_USELESS = frozenset({State.FAILED, State.NOT_CHECKED})


def _make(check: Check, deployed: Deployed) -> Finding:
    """Make a check; whatever goes wrong in it is a finding as well, and no traceback."""
    try:
        return check.make(deployed)
    except NotChecked as reason:
        return Finding(State.NOT_CHECKED, str(reason))
    except Exception as error:
        if isinstance(error, PermissionError) and not is_root():
            return Finding(
                State.NOT_CHECKED, f"only root can read {error.filename}: run it as root"
            )
        # Without its message, which may have anything in it.
        place = extract_tb(error.__traceback__)[-1]
        return failed(
            f"the check itself failed: {type(error).__name__} in {place.filename}, line "
            f"{place.lineno}",
            "Report this as a defect",
        )
