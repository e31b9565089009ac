"""The attribute types of distinguished names: their OIDs and the names that people and OpenSSL use.

A name is compared by OID; the short names here only serve reading and writing. They are OpenSSL's,
because mod_ssl writes them and ``openssl x509 -subject`` is where people copy from.
"""

SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.16": "postalAddress",
    "2.5.4.17": "postalCode",
    "2.5.4.18": "postOfficeBox",
    "2.5.4.20": "telephoneNumber",
    "2.5.4.41": "name",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.45": "x500UniqueIdentifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.72": "role",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.3": "mail",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.2.840.113549.1.9.8": "unstructuredAddress",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
"""Dotted OID to the short name that is written."""

OPENSSL_NAMES = {name: oid for oid, name in SHORT_NAMES.items()} | {
    # OpenSSL tells these two apart by case alone: "UID" is userId, "uid" is uniqueIdentifier.
    "uid": "0.9.2342.19200300.100.1.44",
}
"""What OpenSSL writes, case and all, to the OID: for strings that mod_ssl made."""

_ALIASES = {
    "commonName": "2.5.4.3",
    "surname": "2.5.4.4",
    "countryName": "2.5.4.6",
    "localityName": "2.5.4.7",
    "stateOrProvinceName": "2.5.4.8",
    "streetAddress": "2.5.4.9",
    "organizationName": "2.5.4.10",
    "organizationalUnitName": "2.5.4.11",
    "givenName": "2.5.4.42",
    "userId": "0.9.2342.19200300.100.1.1",
    "domainComponent": "0.9.2342.19200300.100.1.25",
    "E": "1.2.840.113549.1.9.1",
    "Email": "1.2.840.113549.1.9.1",
}

TYPED_NAMES = {name.lower(): oid for oid, name in SHORT_NAMES.items()} | {
    name.lower(): oid for name, oid in _ALIASES.items()
}
"""What a person may write, in lower case, to the OID."""
