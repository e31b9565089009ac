"""What a refusal in the TLS handshake looks like from outside."""


def assert_refused_by_handshake(site, certificate, *arguments):
    """No HTTP at all: curl exits with 35, or 56 (TLS 1.3), or 60 (TLS 1.2 and an expired one)."""
    answer = site.ask("/api/whoami", *arguments, certificate=certificate)
    assert answer.code in {35, 56, 60}, (answer.status, answer.body)
    assert "alert" in answer.errors or answer.code == 60
    assert (answer.status, answer.body, answer.headers) == (0, "", {})
