"""What differs where parts of the deployment are left out."""

import pytest

from tests.apache.refusals import assert_refused_by_handshake
from tests.apache.site import Site


@pytest.fixture(scope="module")
def plain(installation, certificates):
    """Return an Apache without the module for proxies, and without revocation lists."""
    running = Site(installation, "plain", crl=False, without={"proxy_certs"}, processes=1)
    yield running
    running.stop()


def test_without_the_module_proxies_get_no_answer(plain, certificates, ann):
    answer = plain.ask("/api/whoami", certificate=ann)
    assert answer.refusal == (403, "certificate-unknown")
    assert_refused_by_handshake(plain, certificates.write(certificates.ann.proxy()))


def test_without_revocation_lists_a_revoked_certificate_is_as_good_as_any(plain, certificates):
    revoked = certificates.write(certificates.revoked)
    answer = plain.ask("/api/whoami", certificate=revoked)
    assert answer.refusal == (403, "certificate-unknown")
