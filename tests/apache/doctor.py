"""The doctor on a real Apache: how it is run there, and in which ways that Apache is broken."""

import os
import shlex
import subprocess
from contextlib import contextmanager

from tests.apache import httpd
from tests.apache.site import ENVIRONMENT
from tests.doctor import Report, fake_timedatectl, replaced
from tests.server.running import ROOT

HOSTS = {
    "limit": ("LimitRequestBody 0", "LimitRequestBody 1000000"),
    "daemon": (
        "<IfDefine !REPOMAN_DAEMON_ONLY>\n        <If ",
        "<IfDefine REPOMAN_NOWHERE>\n        <If ",
    ),
    "tickets": ("    SSLEngine on\n", "    SSLEngine on\n    SSLSessionTickets on\n"),
    "old-tls": (
        "SSLProtocol -all +TLSv1.2 +TLSv1.3\n",
        "SSLProtocol -all +TLSv1.1 +TLSv1.2 +TLSv1.3\n    SSLCipherSuite ALL:@SECLEVEL=0\n",
    ),
    "no-new-tls": ("SSLProtocol -all +TLSv1.2 +TLSv1.3\n", "SSLProtocol -all +TLSv1.2\n"),
    "unasked": ("SSLVerifyClient optional\n", "SSLVerifyClient none\n"),
    # With revocation lists, a stranger's certificate fails for the lack of a list.
    "any": ("SSLCARevocationCheck chain\n", "SSLVerifyClient optional_no_ca\n"),
    "404": ("/errors.conf\n", "/errors.conf\n    ErrorDocument 404 default\n"),
    "hsts": ('Header always set Strict-Transport-Security "max-age=31536000"', ""),
    "gzip": ('SetEnvIf Request_URI "^/" no-gzip=1', ""),
}
"""Virtual hosts, each ours with one part replaced."""


def virtual_host(port, old, new):
    """Write our virtual host for another port, with a part replaced."""
    text = (ROOT / "repoman/apache/repoman.conf").read_text()
    begin, end = text.index("<VirtualHost"), text.index("</VirtualHost>")
    host = text[begin:end] + "</VirtualHost>\n"
    assert host.count(old) == 1, old
    host = host.replace(old, new).replace("*:${REPOMAN_PORT}", f"127.0.0.1:{port}")
    # `Site` has str.format look for the port.
    return f"Listen 127.0.0.1:{port}\n{host}".replace("{", "{{").replace("}", "}}")


class Doctor:
    """Runs the doctor on a site, and breaks and mends the site."""

    def __init__(self, site, folder, ports):
        self.site = site
        self.home, self.tls = site.home, site.folder
        self.conf, self.httpd = site.home / "repoman.conf", site.root / "httpd.conf"
        self.ports = ports
        self.programs = fake_timedatectl(folder, "yes")

    def __call__(self, *options, apache=None, **environment):
        """Run the installed command and return its `Report`.

        Where the environment is to be another, as a program that begins with it.
        """
        apache = apache or shlex.join([httpd.program("apache2"), "-f", str(self.httpd)])
        command = ["--config", self.home / "production.ini", "doctor", "--apache", apache, *options]
        path = {"PATH": f"{self.programs}:{ENVIRONMENT['PATH']}"}
        if environment:
            ended = subprocess.run(
                [self.site.installation.venv / "bin/repoman-admin", *command],
                capture_output=True,
                text=True,
                check=False,
                env=ENVIRONMENT | path | environment,
                cwd="/",
            )
        else:
            run = self.site.installation.administrator
            ended = run(*command, environment=ENVIRONMENT | path)
        assert ended.stderr == "", ended.stderr
        return Report(ended.returncode, ended.stdout)

    def there(self, name):
        """Return the options that send it to a virtual host of `HOSTS`."""
        return "--connect", f"127.0.0.1:{self.ports[name]}"

    @contextmanager
    def configured(self, old, new):
        """Replace a line of what the doctor reads, while Apache has read the true one."""
        text, times = self.conf.read_text(), self.conf.stat()
        assert text.count(old) == 1, old
        unread = (times.st_atime_ns, times.st_mtime_ns)
        with replaced(self.conf, text.replace(old, new)):
            os.utime(self.conf, ns=unread)
            yield
        os.utime(self.conf, ns=unread)


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, now);
    if (id == CLOCK_REALTIME)
        now->tv_sec += 60;
    return result;
}
"""
"""What, loaded first, puts a program a minute ahead."""


def build_clock(folder):
    """Build `CLOCK`, and return the library."""
    library = folder / "clock.so"
    (folder / "clock.c").write_text(CLOCK)
    built = ["cc", "-shared", "-fPIC", "-o", library, folder / "clock.c", "-ldl"]
    subprocess.run(built, check=True)
    return library
