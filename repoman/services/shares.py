"""With whom an image is shared: users and groups, who may then see, fetch and copy it."""

from sqlalchemy.orm import Session

from repoman.models import Group, Image, ImageShare, User
from repoman.services.groups import require_member

Target = User | Group
"""With whom an image can be shared."""


def add(session: Session, image: Image, target: Target) -> None:
    """Share; no change where it is shared already.

    To share with a group, the image's owner must be in it. Raises `NotGroupMember`.
    """
    if isinstance(target, Group):
        require_member(session, target, image.owner)
    if _find(image, target) is None:
        user = target if isinstance(target, User) else None
        group = target if isinstance(target, Group) else None
        image.shares.append(ImageShare(user=user, group=group))
        session.flush()


def remove(session: Session, image: Image, target: Target) -> None:
    """End a share; no change where there is none."""
    share = _find(image, target)
    if share is not None:
        image.shares.remove(share)
        session.flush()


def _find(image: Image, target: Target) -> ImageShare | None:
    for share in image.shares:
        if target in (share.user, share.group):
            return share
    return None
