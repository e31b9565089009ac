"""Apache: its modules, its Python, its configuration, and whether it has read what is there now."""

from pathlib import Path

from repoman.scripts.deployment import MODULES, SENDFILE_PACKAGE
from repoman.scripts.doctor.acting import is_root
from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, ok, warning


def check_modules(deployed: Deployed) -> Finding:
    """Apache loads what our configuration needs."""
    loaded = deployed.apache.modules
    if not loaded:
        raise NotChecked(
            f"{' '.join(deployed.apache.command)!r} lists no modules; --apache names another"
        )
    wanted = MODULES.split()
    missing = " ".join(name for name in wanted if name not in loaded)
    if missing:
        return failed(
            f"Apache does not load {missing}", f"a2enmod {missing} && systemctl restart apache2"
        )
    if deployed.front.daemon_only and "xsendfile" not in loaded:
        return warning(
            "Apache does not load xsendfile, and downloads go through the daemon",
            f"apt-get install {SENDFILE_PACKAGE} && a2enmod xsendfile && systemctl restart apache2",
        )
    return ok(" ".join(wanted))


def check_proxy_certs(deployed: Deployed) -> Finding:
    """Apache loads the module that lets proxies in, unless the settings say that none are."""
    if deployed.settings.accept_proxies is False:
        return ok("none are let in, as repoman.accept_proxies says")
    if "proxy_certs" in deployed.apache.modules:
        return ok("mod_proxy_certs lets RFC 3820 proxies in")
    folder = deployed.conf.parent / "mod_proxy_certs"
    return warning(
        "Apache does not load mod_proxy_certs, and refuses every proxy in the handshake",
        f"cd {folder} && apxs2 -i -a -n proxy_certs -c mod_proxy_certs.c -lssl -lcrypto "
        "&& systemctl restart apache2; or set repoman.accept_proxies = false",
    )


def check_python(deployed: Deployed) -> Finding:
    """The virtualenv is of the Python that mod_wsgi was built for."""
    venv = deployed.front.venv or Path()
    config = venv / "pyvenv.cfg"
    try:
        lines = config.read_text().splitlines()
    except OSError as error:
        return failed(
            f"REPOMAN_VENV {venv} is no virtualenv ({config}: {error.strerror})",
            f"In a clone of Repoman: /usr/bin/python3 -m venv {venv} && "
            f"{venv}/bin/pip install . && {deployed.front.restart}",
        )
    pairs = {line.partition("=")[0].strip(): line.partition("=")[2].strip() for line in lines}
    own = ".".join((pairs.get("version") or pairs.get("version_info", "")).split(".")[:2])
    built = deployed.apache.python
    if built is None:
        raise NotChecked("mod_wsgi does not tell which Python it was built for")
    if own != built:
        return failed(
            f"mod_wsgi runs Python {built}, and {venv} is of {own}",
            f"In a clone of Repoman: /usr/bin/python3 -m venv --clear {venv} && "
            f"{venv}/bin/pip install . && {deployed.front.restart}",
        )
    return ok(f"{built}, of mod_wsgi and of {venv}")


def check_configuration(deployed: Deployed) -> Finding:
    """Apache would start with its configuration as it is now."""
    checked = deployed.apache.run("-t")
    if checked.returncode == 0:
        return ok(f"{' '.join(deployed.apache.command)} -t")
    if not is_root():
        raise NotChecked("only root can read all of it: run this as root")
    return failed(
        checked.stderr.strip() or checked.stdout.strip() or f"exit status {checked.returncode}",
        f"Correct it until this says Syntax OK: {' '.join(deployed.apache.command)} -t",
    )


def check_loaded(deployed: Deployed) -> Finding:
    """Apache was started or reloaded after its files were changed."""
    if deployed.options.offline:
        raise NotChecked("--offline leaves out what the running server has read")
    front, read = deployed.front, deployed.apache.last_read()
    if read is None:
        raise NotChecked("Apache does not run, or does not say where its PidFile is")
    files = [front.revocations, front.authorities, front.certificate, front.key, deployed.conf]
    newer = [str(path) for path in files if path and path.exists() and _mtime(path) > read]
    if newer:
        remedy = front.reload.removeprefix("then: ")
        if str(front.revocations) in newer:
            remedy += (
                f" (for revocation lists, also: {deployed.command('crl-update', as_root=True)})"
            )
        names = " and ".join(dict.fromkeys(newer))
        return failed(f"{names} changed since Apache read it", remedy)
    return ok("Apache has read certificates and revocation lists as they are now")


def _mtime(path: Path) -> float:
    return path.stat().st_mtime
