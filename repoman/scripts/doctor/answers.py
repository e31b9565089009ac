"""The running server's answers: its health, its version, its errors, large uploads."""

import json
import time
from importlib.metadata import version
from typing import Any

from repoman.scripts.doctor.deployed import Deployed
from repoman.scripts.doctor.findings import Finding, NotChecked, failed, ok
from repoman.scripts.doctor.wire import Answer, Unreachable
from repoman.services.health import CACHED_SECONDS

LARGE = 2 << 30
"""Bytes: more than Apache's own limit of a request body, 1 GiB since 2.4.53."""
WRITE_ANEW = "Take the lines from a repoman.conf that apache-config writes, then: {}"


def _ask(deployed: Deployed, path: str, *headers: str, method: str = "GET") -> Answer:
    try:
        return deployed.server.ask(path, *headers, method=method)
    except Unreachable as error:
        raise NotChecked(f"the server does not answer any more ({error})") from None


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _anew(deployed: Deployed) -> str:
    return WRITE_ANEW.format(deployed.front.reload.removeprefix("then: "))


def check_health(deployed: Deployed) -> Finding:
    """The server itself says that it can use database and store."""
    if _is_well(answer := _ask(deployed, "/healthz")):
        return ok("/healthz")
    # What has been mended just now: the server takes what it found for true for a while.
    time.sleep(CACHED_SECONDS)
    if _is_well(answer := _ask(deployed, "/healthz")):
        return ok("/healthz")
    return failed(
        f"/healthz is answered with {answer.status}: the server cannot use its database or store",
        "See below, and in the server's log; to an admin it tells the reason: "
        f"curl --cert admin.pem https://{deployed.server.host}:{deployed.server.host_port}/healthz",
    )


def _is_well(answer: Answer) -> bool:
    return answer.status == 200 and _json(answer).get("status") == "ok"


def check_version(deployed: Deployed) -> Finding:
    """The server runs the version that is installed here."""
    found = _json(deployed.entrance)
    if found.get("name") != "repoman":
        return failed(
            f"what answers at {deployed.server} is not Repoman", "Name its address: --connect"
        )
    if found.get("version") == (installed := version("repoman")):
        return ok(installed)
    return failed(
        f"the server runs version {found.get('version')}, and {installed} is installed",
        deployed.front.restart,
    )


def check_errors(deployed: Deployed) -> Finding:
    """Errors come in Repoman's form, and those that Apache makes by itself as well."""
    expected = [("/api/images", 401, "certificate-required")]
    if deployed.front.is_apache:
        # To Apache a NUL in a path is an error that Repoman never sees.
        expected.append(("/%00", 404, "apache-error"))
    for path, status, code in expected:
        answer = _ask(deployed, path)
        found = answer.status, answer.headers.get("X-Repoman-Error"), _json(answer).get("code")
        if found != (status, code, code):
            return failed(
                f"GET {path} is answered with {answer.status} and not with {status} in the form "
                f"of Repoman's errors, code {code}",
                _anew(deployed),
            )
    return ok("in Repoman's form")


def check_large_uploads(deployed: Deployed) -> Finding:
    """A body of 2 GiB is not too large for Apache; who may not send one is told before it."""
    answer = _ask(
        deployed,
        "/api/images/raw/doctor",
        "Expect: 100-continue",
        f"Content-Length: {LARGE}",
        "Content-Type: application/octet-stream",
        method="PUT",
    )
    if answer.status == 413:
        return failed(
            "2 GiB are too large for Apache",
            "Put LimitRequestBody 0 into the VirtualHost, and let no other stand in a Location, "
            f"then: {deployed.front.reload.removeprefix('then: ')}",
        )
    if answer.status == 100 and deployed.front.daemon_only:
        return ok("2 GiB are taken; in the daemon, who may not send them is told afterwards")
    if answer.status == 100:
        return failed(
            "whoever may not upload sends the whole file before being told", _anew(deployed)
        )
    if (answer.status, answer.headers.get("X-Repoman-Error")) == (401, "certificate-required"):
        return ok("2 GiB are taken, and refused before they are sent to whoever may not send them")
    return failed(
        f"PUT of 2 GiB without certificate is answered with {answer.status} and not 401",
        "Look into the server's error log",
    )


def check_hsts(deployed: Deployed) -> Finding:
    """Browsers are told that only HTTPS will do."""
    found = deployed.entrance.headers.get("Strict-Transport-Security", "")
    if "max-age=" in found and "max-age=0" not in found:
        return ok(found)
    return failed("there is no Strict-Transport-Security in answers", _anew(deployed))


def check_compression(deployed: Deployed) -> Finding:
    """Answers are not compressed on the way, which would change their entity tags."""
    answer = _ask(deployed, "/api", "Accept-Encoding: gzip, br")
    packed = answer.headers.get("Content-Encoding")
    if packed is None:
        return ok("none, so entity tags stay as they are")
    return failed(
        f"Apache sends answers as {packed}, with other entity tags than Repoman's",
        f'Put SetEnvIf Request_URI "^/" no-gzip=1 into the VirtualHost, {deployed.front.reload}',
    )
