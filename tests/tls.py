"""What openssl's own client sees of a server, beyond what curl shows."""

import re
import subprocess

from tests.server.running import need


def assert_no_session_is_resumed(server, certificate, version, path):
    """Connect six times with one session, then look for the tickets of TLS 1.3.

    ``version`` is openssl's option, ``path`` one that is answered with 200.
    """
    address = ["-connect", f"localhost:{server.port}", "-servername", "localhost"]
    command = [need("openssl"), "s_client", *address, "-CAfile", server.folder / "ca.pem"]
    command += ["-cert", certificate, version]
    printed = subprocess.run(
        [*command, "-reconnect"], input="", capture_output=True, text=True, check=False, timeout=30
    ).stdout
    assert printed.count("\nNew, ") >= 5
    assert "\nReused, " not in printed
    request = f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    printed = subprocess.run(
        [*command, "-ign_eof"], input=request, capture_output=True, text=True, check=True
    ).stdout
    assert len(re.findall(r"^HTTP/1\.\d 200", printed, re.MULTILINE)) == 1
    assert "session ticket" not in printed.lower()
