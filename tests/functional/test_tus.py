"""tus 1.0: what an independent client may count on, chunk by chunk."""

import base64
import hashlib
from email.utils import parsedate_to_datetime

import pytest
from sqlalchemy import select, update

from repoman.models import Upload
from repoman.storage import partials
from tests.factories import API, FILE
from tests.tus import CHUNK, TUS, b64, checksum, create, head, metadata, patch
from tests.wsgi import Source, Untouchable, assert_refused, send

RAW = "/api/images/raw/debian12"


@pytest.fixture
def alice(people):
    """Her client; she has an empty image."""
    people.alice.create(hypervisor="kvm,xen")
    return people.alice.client


# Beginning


def test_a_file_sent_in_parts_becomes_the_images(alice, remains):
    made = create(alice, status=201)
    url = made.headers["Location"]
    assert url.startswith(f"{API}/uploads/")
    assert made.headers["Tus-Resumable"] == "1.0.0"
    assert made.headers["Upload-Offset"] == "0"
    assert made.body == b""
    assert head(alice, url).headers["Upload-Offset"] == "0"
    first = patch(alice, url, 0, FILE[:5000], status=204)
    assert first.headers["Upload-Offset"] == "5000"
    assert first.headers["Tus-Resumable"] == "1.0.0"
    assert parsedate_to_datetime(first.headers["Upload-Expires"])
    assert first.headers["Upload-Expires"].endswith(" GMT")
    assert alice.get("/api/images/debian12").json["state"] == "uploading"
    patch(alice, url, 5000, FILE[5000:9000], status=204)
    told = head(alice, url).headers
    assert (told["Upload-Offset"], told["Upload-Length"]) == ("9000", str(len(FILE)))
    assert told["Cache-Control"] == "no-store"
    assert told["Upload-Metadata"] == metadata(image="debian12", filename="disk.img")
    last = patch(alice, url, 9000, FILE[9000:], status=204)
    assert last.headers["Upload-Offset"] == str(len(FILE))
    shown = alice.get("/api/images/debian12").json
    assert (last.headers["X-Repoman-Uuid"], last.headers["X-Repoman-Version"]) == (
        shown["uuid"],
        "1",
    )
    assert shown["checksum"]["value"] == hashlib.sha256(FILE).hexdigest()
    assert alice.get(RAW).body == FILE
    assert_refused(alice.get(url, status=404), 404, "upload-not-found")
    assert [len(found) for found in remains.all()] == [1, 0, 1, 0]
