"""Every view and route, as Pyramid's introspector lists them."""

import pytest
from pyramid.interfaces import IExceptionResponse
from pyramid.security import NO_PERMISSION_REQUIRED

from repoman import routing
from repoman.security import ADMINISTRATION, CONFERS, TABLE, Action


@pytest.fixture
def introspector(application):
    return application.application.application.registry.introspector


def routes(introspector):
    return {entry["introspectable"]["name"] for entry in introspector.get_category("routes")}


def views(introspector):
    """Return route, methods and permission (None where none is named) of every view for URLs."""
    return [
        (
            entry["introspectable"]["route_name"],
            entry["introspectable"]["request_methods"],
            next((one["value"] for one in entry["related"] if "value" in one), None),
        )
        for entry in introspector.get_category("views")
        if not is_of_exceptions(entry["introspectable"]["context"])
    ]


def is_of_exceptions(context):
    """Tell the views for exceptions: ours, and the two that Pyramid brings along."""
    is_class = isinstance(context, type) and issubclass(context, Exception)
    return is_class or context is IExceptionResponse


def test_every_view_names_an_action_or_says_that_it_needs_none(introspector):
    found = views(introspector)
    assert len(found) > 40
    for route, methods, permission in found:
        public = route in routing.PUBLIC
        assert permission == NO_PERMISSION_REQUIRED if public else permission in set(Action), (
            route,
            methods,
        )


def test_every_view_is_of_one_route_and_names_its_methods(introspector):
    for route, methods, _ in views(introspector):
        assert route in routes(introspector)
        assert methods, route


def test_every_route_has_a_view(introspector):
    assert {route for route, _, _ in views(introspector)} == routes(introspector)


def test_the_routes_that_need_no_certificate_exist(introspector):
    for names in (routing.PUBLIC, routing.DOWNLOADS, routing.UPLOADS):
        assert names
        assert names <= routes(introspector)


def test_every_action_is_in_the_table_and_every_refusal_can_name_a_permission():
    assert set(TABLE) == set(Action)
    for action, (predicates, missing) in TABLE.items():
        assert predicates, action
        # Where nothing is named, nobody is refused, or the image is as if it were not there.
        assert (
            missing
            or predicates[0].__name__ == "anybody"
            or action
            in {
                Action.READ_IMAGE,
                Action.DOWNLOAD,
            }
        )


def test_every_change_of_users_and_groups_is_administration():
    reads = {
        f"{kind}:{verb}" for kind in ("user", "group") for verb in ("list", "read", "read-usage")
    }
    assert {
        action for action in Action if action.startswith(("user:", "group:"))
    } - reads == ADMINISTRATION
    assert set(CONFERS) < ADMINISTRATION
