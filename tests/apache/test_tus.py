"""tus through Apache, with its status codes that are nobody else's."""

import pytest

from tests.tuspy import send_with_a_break


def test_tuspy_goes_on_after_a_break_by_another_certificate(
    site, certificates, ann, image, tmp_path, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(site.folder / "ca.pem"))
    proxy = certificates.write(certificates.ann.proxy())
    sent = send_with_a_break(site, image, (ann, proxy), tmp_path)
    got = tmp_path / "got"
    site.curl("-f", "-o", got, f"/api/images/raw/{image}", certificate=ann)
    assert got.read_bytes() == sent


@pytest.mark.parametrize("server", ["default_site", "daemon_site"])
def test_methods_and_status_codes_of_tus_pass_through(request, server, ann):
    site = request.getfixturevalue(server)
    image = "by-hand"
    site.ask("/api/images", "-d", f"name={image}", certificate=ann)
    tus = ["-H", "Tus-Resumable: 1.0.0"]
    begin = ["-X", "POST", *tus, "-H", "Upload-Length: 9"]
    made = site.ask(*begin, f"/api/images/raw/{image}", certificate=ann)
    assert (made.status, made.body) == (201, "")
    url = made.headers["location"]
    part = [*tus, "-H", "Upload-Offset: 0", "-H", "Content-Type: application/offset+octet-stream"]
    wrong = [*part, "-H", "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "-d", "nine "]
    refused = site.ask("-X", "PATCH", *wrong, url, certificate=ann)
    assert refused.refusal == (460, "checksum-mismatch")
    override = ["-X", "POST", "-H", "X-HTTP-Method-Override: PATCH"]
    sent = site.ask(*override, *part, "-d", "nine ", url, certificate=ann)
    assert (sent.status, sent.headers["upload-offset"]) == (204, "5")
    told = site.ask("-I", *tus, url, certificate=ann)
    assert (told.status, told.headers["upload-offset"]) == (200, "5")
    override[-1] = "X-HTTP-Method-Override: HEAD"
    told = site.ask(*override, *tus, url, certificate=ann)
    assert (told.status, told.headers["upload-offset"], told.body) == (200, "5", "")
    assert site.ask("-X", "DELETE", *tus, url, certificate=ann).status == 204
    assert site.ask(url, certificate=ann).refusal == (404, "upload-not-found")
    assert site.ask("-X", "PATCH", *part, "-d", "x", url).status == 401
    site.ask("-X", "DELETE", f"/api/images/{image}", certificate=ann)
