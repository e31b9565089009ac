"""The permissions in plain words, for those who grant them."""

from collections.abc import Mapping

from repoman.identity import Permission

EXPLAINED: Mapping[Permission, str] = {
    Permission.USER_CREATE: "register people, each with a certificate",
    Permission.USER_MODIFY: "change everybody's record and see their use, suspend people, add "
    "and remove their certificates",
    Permission.USER_DELETE: "delete people who have no images",
    Permission.USER_MODIFY_SELF: "change the own full name and e-mail address",
    Permission.GROUP_CREATE: "make groups, and be their admin",
    Permission.GROUP_MODIFY: "rename and describe every group, and see its use",
    Permission.GROUP_DELETE: "delete groups; images stay with their owners",
    Permission.GROUP_MODIFY_MEMBERSHIP: "add people to every group and remove them, and say who "
    "administers it",
    Permission.GROUP_MODIFY_PERMISSIONS: "say what groups let their members do",
    Permission.IMAGE_CREATE: "create images, upload files and copy what others share",
    Permission.IMAGE_MODIFY: "see, fetch and change everybody's images, and give them away",
    Permission.IMAGE_DELETE: "see, fetch and delete everybody's images",
    Permission.IMAGE_MODIFY_GROUP: "see, fetch and change the images of this group",
    Permission.IMAGE_DELETE_GROUP: "see, fetch and delete the images of this group",
}
"""What each lets the members of a group do, to be read behind "may"."""
