"""What differs where a part of the deployment is left out, or another way is chosen."""

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
