"""What a disk image's bytes say of it, found while they stream by once.

`Inspector` is fed beside the hashing and gives a `Label` at the end. No Pyramid, no database.
"""

from repoman.inspection.formats import FORMAT_NAMES
from repoman.inspection.inspector import Inspector
from repoman.inspection.label import Danger, Label

__all__ = ["FORMAT_NAMES", "Danger", "Inspector", "Label"]
