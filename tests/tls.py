"""What openssl's own client sees of a server, beyond what curl shows."""

import re
import subprocess

from tests.server.running import need


def assert_no_session_is_resumed(server, certificate, version, path, folder):
    """Keep the session of a first connection in ``folder``, and offer it in a second one.

    ``version`` is openssl's option, ``path`` one that is answered with 200. TLS 1.3 sends what it
    takes to resume after the handshake, so each connection lasts for a request.
    """
    session = folder / "session"
    address = ["-connect", f"localhost:{server.port}", "-servername", "localhost"]
    command = [need("openssl"), "s_client", *address, "-CAfile", server.folder / "ca.pem"]
    command += ["-cert", certificate, version, "-ign_eof"]
    request = f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    for option in ("-sess_out", "-sess_in"):
        if option == "-sess_in" and not session.exists():
            return  # there is nothing to offer
        printed = subprocess.run(
            [*command, option, session], input=request, capture_output=True, text=True, check=True
        ).stdout
        assert len(re.findall(r"^HTTP/1\.\d 200", printed, re.MULTILINE)) == 1
        assert "\nNew, " in printed
        assert "\nReused, " not in printed
