"""The models of request bodies, apart from HTTP."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repoman import schemas
from repoman.errors import InvalidParameter, MissingParameter, RepomanError, UnknownParameter
from repoman.identity import Permission
from repoman.schemas import (
    Fields,
    GroupChanges,
    ImageChanges,
    NewGroup,
    NewImage,
    NewUser,
    NoFields,
    UserChanges,
    validate,
)
from repoman.services import certificates, group_changes, images

# The Kelvin sign, which lower() turns into an ASCII letter, and the long s, which upper() does.
NAMES = (
    st.text(st.sampled_from("aZ0_.-\u212a\u017f"), max_size=4)
    | st.text(max_size=4)
    | st.from_regex(r"[A-Za-z0-9_.-]{90,270}", fullmatch=True)
    | st.from_regex(r"[A-Fa-f0-9]{31,33}", fullmatch=True)
)


def models(kind=Fields):
    return [kind, *(one for sub in kind.__subclasses__() for one in models(sub))]


@given(NAMES)
@example("\u212a")
def test_an_account_name_is_ascii_before_it_is_folded(text):
    good = re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}", text) is not None
    try:
        made = validate(NewGroup, {"name": text}).name
    except RepomanError:
        assert not good
    else:
        assert good
        assert made == text.lower()
        assert made.isascii()


@given(NAMES)
@example("\u212a")
def test_an_image_name_is_ascii_and_kept(text):
    good = re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,255}", text) is not None
    uuid = re.fullmatch(r"[0-9a-fA-F]{32}", text) is not None
    try:
        assert validate(NewImage, {"name": text}).name == text
    except RepomanError:
        assert not good or uuid or text == "raw"
    else:
        assert good
        assert not uuid


@given(st.sampled_from(models()), st.dictionaries(st.text(max_size=10), st.text(max_size=10)))
def test_no_model_takes_a_field_that_it_does_not_know(model, given_fields):
    unknown = {
        name: value for name, value in given_fields.items() if name not in model.model_fields
    }
    if not unknown:
        return
    with pytest.raises((UnknownParameter, MissingParameter)):
        validate(model, unknown)


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_no_text_and_no_list_is_endless(model):
    required = {name: "x" for name, one in model.model_fields.items() if one.is_required()}
    for name, field in model.model_fields.items():
        is_list = "list" in str(field.annotation)
        endless = ["a" + str(n) for n in range(2000)] if is_list else "a" * 100_000
        with pytest.raises(InvalidParameter) as caught:
            validate(model, required | {name: endless})
        assert caught.value.extra == {"field": name}


def test_what_is_given_is_told_from_what_is_not():
    assert validate(ImageChanges, {}).given() == {}
    assert validate(ImageChanges, {"os_type": ""}).given() == {"os_type": None}
    assert validate(ImageChanges, {"os_type": None}).given() == {"os_type": None}
    given_fields = {"name": "x", "expires": "2099-01-01T00:00:00Z", "hypervisor": "kvm, xen"}
    assert validate(NewImage, given_fields).given() == {
        "name": "x",
        "expires": datetime(2099, 1, 1, tzinfo=UTC),
        "hypervisor": ["kvm", "xen"],
    }


def test_the_first_wrong_field_is_explained():
    with pytest.raises(MissingParameter) as missing:
        validate(NewUser, {"cert_dn": "/CN=A"})
    assert missing.value.extra == {"field": "user_name"}
    with pytest.raises(UnknownParameter) as unknown:
        validate(NoFields, {"x": 1})
    assert "known: none" in unknown.value.detail
    with pytest.raises(InvalidParameter) as invalid:
        validate(NewGroup, {"name": "x", "permissions": "sudo"})
    assert all(permission in invalid.value.detail for permission in Permission)


def test_every_field_that_can_be_changed_has_its_right():
    """The list of hypervisors has rights of its own."""
    assert set(images.FIELD_ACTIONS) | {"hypervisor"} == set(ImageChanges.model_fields)
    assert set(group_changes.FIELD_ACTIONS) == set(GroupChanges.model_fields)


def test_a_certificates_fields_are_the_same_for_users_and_certificates():
    assert set(schemas.NewCertificate.model_fields) == certificates.FIELDS
    assert set(UserChanges.model_fields) > certificates.FIELDS
