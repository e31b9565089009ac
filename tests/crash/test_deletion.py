"""Deletions whose server is killed: they have taken place wholly or not at all, trash included."""

from tests.crash.site import OLD, clean
from tests.crash.steps import steps


def of(change: str, *rest) -> list[tuple]:
    """Return the steps before and after the commit of a change."""
    return [(f"{moment} commit {change}", *rest) for moment in ("before", "after")]


@steps("step, query", of("UPDATE image", "") + of("DELETE image", "?purge=true"))
def test_an_image_is_deleted_or_as_it_was(site, image, step, query):
    image.put(OLD)
    before = site.use()["usage"]
    with site.killed(step):
        assert site.ask("DELETE", image.url + query) is None
    if step.startswith("before"):
        assert image.file() == OLD
        clean(site)
        assert image.file() == OLD
        return
    assert site.ask("GET", image.url).status == 404
    assert site.use()["usage"] == (0 if query else before)
    if not query:
        restored = site.ask("POST", f"/api/images/{image.uuid}/restore")
        assert restored.status == 200
        assert image.file() == OLD


@steps("step, query", of("UPDATE image_file", "") + of("DELETE image_file", "?purge=true"))
def test_a_file_is_deleted_or_as_it_was(site, image, step, query):
    image.put(OLD)
    with site.killed(step):
        assert site.ask("DELETE", image.raw + query) is None
    if step.startswith("before"):
        assert image.file() == OLD
    else:
        assert image.file() is None
        assert site.use()["usage"] == (0 if query else len(OLD))
    clean(site)
    assert image.file() == (OLD if step.startswith("before") else None)
