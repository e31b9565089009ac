"""RFC 3820 proxy certificates: which end entity stands behind one.

A proxy is known by its proxyCertInfo extension, never by the look of its last CN, which a CA may
give a person as well. The walk goes from proxy to signer until it meets a certificate that is no
proxy. Candidates for the signer are what the client sent, so any of them may be made up:

- The server has verified one chain to a trusted CA, and sent along is every certificate below that
  CA. So the true signer is among the candidates, and it is the one whose key checks.
- A holder can put in a second certificate with the same key (or, for ECDSA, with another key that
  fits the signature) but with a subject or issuer of their choice. Hence **all** candidates are
  tried, whatever their names, and more than one that fits is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from repoman.certificates.names import from_x509
from repoman.certificates.untrusted import errors_as

PROXY_CERT_INFO = ObjectIdentifier("1.3.6.1.5.5.7.1.14")
GLOBUS_DRAFT_CERT_INFO = ObjectIdentifier("1.3.6.1.4.1.3536.1.222")
INHERIT_ALL = ObjectIdentifier("1.3.6.1.5.5.7.21.1")
INDEPENDENT = ObjectIdentifier("1.3.6.1.5.5.7.21.2")
GLOBUS_LIMITED = ObjectIdentifier("1.3.6.1.4.1.3536.1.1.1.9")


class InvalidProxy(ValueError):
    """A proxy certificate that identifies nobody here; the message tells why."""


@dataclass(frozen=True)
class EndEntity:
    """Whoever stands behind a certificate, ``depth`` proxies up (0: it was no proxy).

    ``limited`` when any proxy on the way is a Globus limited one. The certificates on the way are
    all valid from ``not_before`` to ``not_after``, which are aware and in UTC.
    """

    certificate: x509.Certificate
    depth: int
    limited: bool
    not_before: datetime
    not_after: datetime


@asn1.sequence
class _Policy:
    language: ObjectIdentifier
    policy: bytes | None


@asn1.sequence
class _ProxyCertInfo:
    path_length: int | None
    policy: _Policy


def is_proxy(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate is a proxy, also of the draft that preceded RFC 3820.

    Raises InvalidProxy where its extensions cannot be read, for then nobody can tell.
    """
    with errors_as(InvalidProxy):
        kinds = {one.oid for one in certificate.extensions}
    return not kinds.isdisjoint({PROXY_CERT_INFO, GLOBUS_DRAFT_CERT_INFO})


def find_end_entity(leaf: x509.Certificate, chain: Sequence[x509.Certificate]) -> EndEntity:
    """Walk from the certificate presented to the end entity's.

    ``chain`` is what the client sent besides, complete, in any order. Dates are reported and not
    judged, since they are all that changes between two requests. Raises InvalidProxy.
    """
    with errors_as(InvalidProxy):
        return _walk(leaf, chain)


def _walk(leaf: x509.Certificate, chain: Sequence[x509.Certificate]) -> EndEntity:
    # It ends even on certificates that signed one another: names grow shorter at every step.
    path = [leaf]
    limited = False
    while is_proxy(path[-1]):
        limited |= _check_proxy(path[-1], below=len(path) - 1)
        signer = _find_signer(path[-1], chain)
        _check_signer(path[-1], signer)
        path.append(signer)
    return EndEntity(
        certificate=path[-1],
        depth=len(path) - 1,
        limited=limited,
        not_before=max(one.not_valid_before_utc for one in path),
        not_after=min(one.not_valid_after_utc for one in path),
    )


def _check_proxy(proxy: x509.Certificate, *, below: int) -> bool:
    """Apply RFC 3820 section 3 to one proxy with ``below`` proxies under it; True if limited."""
    info = _read_info(proxy)
    language = info.policy.language
    if language == INDEPENDENT:
        raise InvalidProxy("An independent proxy certificate carries none of its signer's rights.")
    if language not in {INHERIT_ALL, GLOBUS_LIMITED} or info.policy.policy is not None:
        raise InvalidProxy(
            f"The proxy certificate's policy ({language.dotted_string}) is not known here: make "
            "a full or a limited proxy."
        )
    if info.path_length is not None and below > info.path_length:
        raise InvalidProxy(
            f"The chain has {below} proxy certificates below one that allows {info.path_length}."
        )
    if _is_authority(proxy):
        raise InvalidProxy("A proxy certificate cannot be a certificate authority.")
    return language == GLOBUS_LIMITED


def _read_info(proxy: x509.Certificate) -> _ProxyCertInfo:
    try:
        extension = proxy.extensions.get_extension_for_oid(PROXY_CERT_INFO)
    except x509.ExtensionNotFound:
        raise InvalidProxy(
            "The proxy certificate is of the draft that preceded RFC 3820: make an RFC 3820 one."
        ) from None
    if not extension.critical:
        raise InvalidProxy("The proxy certificate's proxyCertInfo extension is not critical.")
    try:
        return asn1.decode_der(_ProxyCertInfo, extension.value.public_bytes())
    except ValueError:
        raise InvalidProxy("The proxy certificate's proxyCertInfo is malformed.") from None


def _find_signer(
    proxy: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> x509.Certificate:
    # A dict drops certificates sent twice.
    signers = [one for one in dict.fromkeys(candidates) if _has_signed(one, proxy)]
    if not signers:
        raise InvalidProxy(
            "The certificate that signed the proxy certificate was not sent along. Send the "
            "whole chain, as in the file that voms-proxy-init or grid-proxy-init writes."
        )
    if len(signers) > 1:
        raise InvalidProxy(
            "Several of the certificates sent could have signed the proxy certificate: send only "
            "the chain that belongs to it."
        )
    return signers[0]


def _has_signed(candidate: x509.Certificate, proxy: x509.Certificate) -> bool:
    key = candidate.public_key()
    used = proxy.signature_algorithm_parameters
    signed, signature = proxy.tbs_certificate_bytes, proxy.signature
    try:
        match key, used:
            case rsa.RSAPublicKey(), padding.PKCS1v15() | padding.PSS():
                if proxy.signature_hash_algorithm is None:
                    return False
                key.verify(signature, signed, used, proxy.signature_hash_algorithm)
            case ec.EllipticCurvePublicKey(), ec.ECDSA():
                key.verify(signature, signed, used)
            case ((ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey()), None):
                key.verify(signature, signed)
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def _check_signer(proxy: x509.Certificate, signer: x509.Certificate) -> None:
    if _is_authority(signer):
        raise InvalidProxy("A certificate authority may not sign a proxy certificate.")
    usage = [one.value for one in signer.extensions if isinstance(one.value, x509.KeyUsage)]
    if usage and not usage[0].digital_signature:
        raise InvalidProxy("The signer of the proxy certificate may not make digital signatures.")
    own, signers = from_x509(proxy.subject), from_x509(signer.subject)
    if from_x509(proxy.issuer) != signers or own.rdns[:-1] != signers.rdns:
        raise InvalidProxy("The proxy certificate's name is not its signer's with one CN more.")
    if [oid for oid, _ in own.rdns[-1]] != [NameOID.COMMON_NAME.dotted_string]:
        raise InvalidProxy("The last part of the proxy certificate's name is not a single CN.")


def _is_authority(certificate: x509.Certificate) -> bool:
    return any(
        isinstance(one.value, x509.BasicConstraints) and one.value.ca
        for one in certificate.extensions
    )
