"""What differs where a part of the deployment is left out, or another way is chosen."""

from pathlib import Path

from tests.apache.refusals import assert_refused_by_handshake
from tests.apache.site import Site


def test_without_the_module_proxies_get_no_answer(installation, certificates, ann):
    plain = Site(installation, "plain", without={"proxy_certs"})
    try:
        answer = plain.ask("/api/whoami", certificate=ann)
        assert answer.refusal == (403, "certificate-unknown")
        assert_refused_by_handshake(plain, certificates.write(certificates.ann.proxy()))
    finally:
        plain.stop()


def test_without_revocation_lists_a_revoked_certificate_is_as_good_as_any(
    installation, certificates
):
    trusting = Site(installation, "trusting", crl=False)
    try:
        revoked = certificates.write(certificates.revoked)
        answer = trusting.ask("/api/whoami", certificate=revoked)
        assert answer.refusal == (403, "certificate-unknown")
    finally:
        trusting.stop()


def test_with_daemon_only_files_work_and_httpd_itself_runs_no_python_of_ours(
    installation, certificates, admin, tmp_path
):
    site = Site(installation, "daemon", options=("--daemon-only",))
    try:
        (tmp_path / "disk").write_bytes(b"disk" * 100000)
        assert site.ask("/api/images", "-d", "name=x", certificate=admin).status == 201
        for arguments in (("-T", tmp_path / "disk"), ("-F", f"file=@{tmp_path}/disk")):
            assert site.ask(*arguments, "/api/images/raw/x", certificate=admin).code == 0
            fetched = site.ask("/api/images/raw/x", certificate=admin)
            assert fetched.body == "disk" * 100000
        for path in ("/api/whoami", "/api/images/raw/x"):
            proxy = certificates.write(certificates.administrator.proxy().proxy())
            assert site.ask("-I", path, certificate=proxy).status == 200
        for daemon in (True, False):
            loaded = [
                "pydantic_core" in Path(f"/proc/{pid}/maps").read_text()
                for pid in site.children(daemon=daemon)
            ]
            assert any(loaded) is daemon
    finally:
        site.stop()
