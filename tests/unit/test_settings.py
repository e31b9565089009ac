"""Settings: a bad one stops the start and names its key."""

import pytest

import repoman
from repoman.settings import HYPERVISORS, InvalidSetting, Settings, parse_boolean, read_settings

NEEDED = {"sqlalchemy.url": "sqlite:////tmp/x", "repoman.store": "/tmp/store"}


def test_only_database_and_store_are_needed():
    settings = read_settings(NEEDED)
    assert settings.hypervisors == HYPERVISORS
    assert settings.default_group == "users"
    assert (settings.base_url, settings.hosts) == (None, ())
    assert (settings.http_url, settings.sendfile) == (None, "none")
    assert settings.unsafe_images == "refuse"
    assert settings.accept_proxies is None
    for name in ("require_issuer", "allow_unauthenticated"):
        assert getattr(settings, name) is False
    for key in NEEDED:
        with pytest.raises(InvalidSetting, match=f"^{key}: this setting is missing"):
            read_settings({other: NEEDED[other] for other in NEEDED if other != key})


@pytest.mark.parametrize(
    ("key", "text", "name", "value"),
    [
        ("repoman.hosts", "A.example.org, b:8443", "hosts", ("a.example.org", "b:8443")),
        ("repoman.hypervisors", " KVM xen,lxc ", "hypervisors", ("kvm", "xen", "lxc")),
        ("repoman.base_url", "https://a.org/x/", "base_url", "https://a.org/x"),
        ("repoman.gc_grace", " 0 ", "gc_grace", 0),
        ("repoman.user_quota", " 500g ", "user_quota", 500 << 30),
        ("repoman.group_quota", "2T", "group_quota", 2 << 40),
        ("repoman.max_image_size", "1048577", "max_image_size", (1 << 20) + 1),
        ("repoman.min_free", "0", "min_free", 0),
        ("repoman.accept_proxies", "Yes", "accept_proxies", True),
        ("repoman.require_issuer", "0", "require_issuer", False),
        ("repoman.time_format", " CTIME ", "time_format", "ctime"),
        ("repoman.sendfile", "X-Sendfile", "sendfile", "x-sendfile"),
        ("repoman.sendfile", "none", "sendfile", "none"),
        ("repoman.unsafe_images", "Quarantine ", "unsafe_images", "quarantine"),
        ("repoman.http_url", "http://a.org/", "http_url", "http://a.org"),
    ],
)
def test_settings_are_typed(key, text, name, value):
    assert getattr(read_settings(NEEDED | {key: text}), name) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("sqlalchemy.url", ""),
        ("repoman.store", " "),
        ("repoman.base_url", "images.example.org"),
        ("repoman.base_url", "ftp://images.example.org"),
        ("repoman.base_url", "https://images.example.org/?x=1"),
        ("repoman.base_url", "https://[images"),
        ("repoman.base_url", ""),
        ("repoman.hypervisors", ""),
        ("repoman.hypervisors", "kvm kvm"),
        ("repoman.hypervisors", "kvm raw"),
        ("repoman.hypervisors", "kvm share"),
        ("repoman.hypervisors", "user"),
        ("repoman.hypervisors", "group"),
        ("repoman.hypervisors", "k/m"),
        ("repoman.hypervisors", "ä"),
        ("repoman.accept_proxies", "maybe"),
        ("repoman.require_issuer", ""),
        ("repoman.allow_unauthenticated", "2"),
        ("repoman.default_group", ""),
        ("repoman.time_format", "iso8601"),
        ("repoman.sendfile", "yes"),
        ("repoman.unsafe_images", "allow"),
        ("repoman.sendfile", ""),
        ("repoman.http_url", "images.example.org"),
        ("repoman.gc_grace", "1 h"),
        ("repoman.gc_grace", "-1"),
        ("repoman.database_timeout", "٣"),
        ("repoman.user_quota", ""),
        ("repoman.user_quota", "10 GB"),
        ("repoman.group_quota", "1.5T"),
        ("repoman.max_image_size", "-1"),
        ("repoman.min_free", "8388608T"),
        ("repoman.alow_unauthenticated", "true"),
        ("repoman.", "x"),
    ],
)
def test_a_bad_or_unknown_setting_is_named(key, text):
    with pytest.raises(InvalidSetting) as caught:
        read_settings(NEEDED | {key: text})
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{key}: ")


def test_settings_of_others_in_the_same_section_are_let_pass():
    assert read_settings(NEEDED | {"pyramid.reload_templates": "x"}) == read_settings(NEEDED)


@pytest.mark.parametrize("url", ["nosuch", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "://"])
def test_a_database_of_another_kind_stops_the_start(ini, url):
    with pytest.raises(InvalidSetting, match=r"^sqlalchemy\.url: "):
        repoman.main({}, **ini | {"sqlalchemy.url": url})


def test_a_database_that_was_not_initialised_stops_the_start(ini, tmp_path):
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    with pytest.raises(InvalidSetting, match=r"^sqlalchemy\.url: .*repoman-admin init"):
        repoman.main({}, **ini | {"sqlalchemy.url": f"sqlite:///{empty}"})


def test_a_hypervisor_that_is_a_users_name_stops_the_start_and_says_whose(ini, people):
    assert people.bob.name == "bob"
    with pytest.raises(InvalidSetting, match=r"^repoman\.hypervisors: 'bob' is the name of a user"):
        repoman.main({}, **ini | {"repoman.hypervisors": "kvm bob"})


def test_settings_cannot_be_changed_while_running():
    with pytest.raises(AttributeError):
        read_settings(NEEDED).hosts = ()
    assert isinstance(read_settings(NEEDED), Settings)


@pytest.mark.parametrize("text", ["tru\u0435", "", " ", "y", "t", "10"])
def test_what_is_no_boolean(text):
    with pytest.raises(ValueError, match="it must be true, yes"):
        parse_boolean(text)
