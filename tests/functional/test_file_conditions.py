"""Conditional changes of files: nobody overwrites or deletes a file that they have not seen."""

import pytest

from tests.factories import FILE
from tests.wsgi import (
    FORM,
    assert_refused,
    assert_refused_unread,
    multipart,
    post_form,
)

pytestmark = pytest.mark.through_apache

RAW = "/api/images/raw/debian12"
XEN = "/api/images/raw/xen/debian12"
NEW = b"another virtual machine image" * 1000
LONG_AGO, FAR_AWAY = "Tue, 24 Nov 2015 05:37:00 GMT", "Tue, 24 Nov 2099 05:37:00 GMT"


def tag_of(client, path=RAW) -> str:
    return client.head(path).headers["ETag"]


def failing(client):
    """List headers that do not hold for the file that is there."""
    tag = tag_of(client)
    yield {"If-Match": '"other"'}
    yield {"If-Match": '""'}
    yield {"If-Match": ""}
    yield {"If-Match": f"W/{tag}"}
    yield {"If-None-Match": "*"}
    yield {"If-None-Match": tag}
    yield {"If-None-Match": f'"other", {tag}'}
    yield {"If-Unmodified-Since": LONG_AGO}
    yield {"If-Match": tag, "If-None-Match": "*"}
    yield {"If-Match": '"other"', "If-Unmodified-Since": FAR_AWAY}


def holding(client):
    """List headers that hold for the file that is there, made when they are sent."""
    yield lambda: {"If-Match": tag_of(client)}
    yield lambda: {"If-Match": f'"other" , {tag_of(client)}'}
    yield lambda: {"If-Match": "*"}
    yield lambda: {"If-None-Match": '"other"'}
    yield lambda: {"If-Unmodified-Since": client.head(RAW).headers["Last-Modified"]}
    yield lambda: {"If-Match": tag_of(client), "If-Unmodified-Since": LONG_AGO}
    yield lambda: {"If-Unmodified-Since": "no date"}
    yield lambda: {"If-Modified-Since": FAR_AWAY}


def test_an_upload_whose_condition_fails_is_refused_before_its_body_is_read(kept, alice, subtests):
    for headers in failing(alice):
        with subtests.test(str(headers)):
            for more in ({}, {"method": "POST", "form": FORM}):
                headers = headers | more.pop("form", {}) | {"Expect": "100-continue"}  # noqa: PLW2901
                response = assert_refused_unread(
                    alice, RAW, 412, "precondition-failed", headers=headers, **more
                )
                assert f'"{response.json["etag"]}"' == tag_of(alice)
    kept.check()


def test_an_upload_whose_condition_holds_takes_place(kept, alice, subtests):
    for make in holding(alice):
        headers = make()
        with subtests.test(str(headers)):
            alice.put(RAW, NEW, headers=headers, status=200)
            alice.post(RAW, multipart(NEW), headers=FORM | make(), status=200)


def test_a_deletion_whose_condition_fails_is_refused(kept, alice, subtests):
    for headers in failing(alice):
        with subtests.test(str(headers)):
            response = alice.delete(RAW, headers=headers, status=412)
            assert_refused(response, 412, "precondition-failed")
    kept.check()
    alice.delete(RAW, headers={"If-Match": tag_of(alice)}, status=200)


def test_if_none_match_star_uploads_only_the_first_file_of_a_hypervisor(people, alice):
    people.alice.create(hypervisor="kvm,xen")
    first = {"If-None-Match": "*"}
    for path in (RAW, XEN):
        alice.put(path, FILE, headers=first, status=201)
        assert_refused(alice.put(path, NEW, headers=first, status=412), 412, "precondition-failed")
        assert alice.get(path).body == FILE
    alice.delete(RAW)
    alice.put(RAW, NEW, headers=first, status=201)


def test_no_condition_on_a_file_holds_where_there_is_none(people, alice, subtests):
    people.alice.create()
    for headers in ({"If-Match": "*"}, {"If-Match": '"a"'}, {"If-Unmodified-Since": FAR_AWAY}):
        with subtests.test(str(headers)):
            response = alice.put(RAW, FILE, headers=headers, status=412)
            assert_refused(response, 412, "precondition-failed")
            assert "etag" not in response.json
    assert alice.get("/api/images/debian12").json["state"] == "empty"


def test_the_etag_of_another_file_with_the_same_bytes_does_not_match(people, kept, alice):
    alice.put(XEN, FILE, status=201)
    people.alice.create("copy", copy_of="debian12")
    for other in (tag_of(alice, XEN), tag_of(alice, "/api/images/raw/copy")):
        alice.put(RAW, NEW, headers={"If-Match": other}, status=412)
    assert alice.get(RAW).body == FILE


def test_of_two_writers_who_saw_the_same_file_the_second_is_refused(kept, alice):
    seen = {"If-Match": tag_of(alice)}
    alice.put(RAW, NEW, headers=seen, status=200)
    response = alice.put(RAW, b"late", headers=seen, status=412)
    assert_refused(response, 412, "precondition-failed")
    assert f'"{response.json["etag"]}"' == tag_of(alice)
    assert alice.get(RAW).body == NEW


OVERTAKERS = {
    "an overwrite": lambda client: client.put(RAW, b"quick", status=200),
    "an overwrite with the same bytes": lambda client: client.put(RAW, FILE, status=200),
    "a deletion": lambda client: client.delete(RAW, status=200),
    "a deletion and a new file": lambda client: (client.delete(RAW), client.put(RAW, FILE)),
}


def test_a_condition_that_ceased_to_hold_while_the_body_came_in_refuses_it(kept, alice, subtests):
    for case, overtake in OVERTAKERS.items():
        with subtests.test(case):
            alice.put(RAW, FILE)
            seen = {"If-Match": tag_of(alice)}
            rows = {}

            def act(overtake=overtake, rows=rows):
                overtake(alice)
                rows["blobs"] = kept.remains.blobs()

            response = post_form(alice, RAW, NEW, act, headers=seen, status=412)
            assert_refused(response, 412, "precondition-failed")
            assert kept.remains.blobs() == rows["blobs"] == kept.remains.files()
            assert not kept.remains.uploads() | kept.remains.partials()


def test_of_two_first_uploads_under_if_none_match_star_only_one_succeeds(people, alice):
    people.alice.create()
    first = {"If-None-Match": "*"}

    def overtake():
        alice.put(RAW, FILE, headers=first, status=201)

    response = post_form(alice, RAW, NEW, overtake, headers=first, status=412)
    assert_refused(response, 412, "precondition-failed")
    assert alice.get(RAW).body == FILE


def test_without_condition_the_upload_that_ends_later_wins(people, alice):
    people.alice.create()
    shown = post_form(alice, RAW, NEW, lambda: alice.put(RAW, FILE, status=201), status=200).json
    assert (shown["version"], shown["size"]) == (2, len(NEW))
    assert alice.get(RAW).body == NEW
