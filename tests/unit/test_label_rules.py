"""What is said of an unsafe file, and how it is kept."""

import pytest

from repoman.errors import UnsafeImage
from repoman.inspection import Danger, Label
from repoman.models import Blob, Image
from repoman.services import labels


@pytest.mark.parametrize("danger", Danger)
def test_every_danger_is_told_in_words_with_what_mends_it(settings, danger):
    with pytest.raises(UnsafeImage) as caught:
        labels.check_taken(Image(), Label("qcow2", 1, None, (danger,)), settings)
    assert caught.value.extra == {"dangers": [danger]}
    told, mended = caught.value.detail.split(" To mend it, ")
    assert len(told) > len("The file is unsafe: ") + 10
    assert len(mended) > len("The image is as it was.") + 10


def test_all_dangers_together_can_be_kept_and_are_told_once():
    blob = Blob()
    labels.label(blob, Label("qcow2", 1, None, tuple(Danger)))
    assert len(blob.dangers) <= Blob.dangers.type.length
    assert labels.dangers(blob) == [*Danger]
    labels.label(blob, Label("raw", 1))
    assert (blob.dangers, labels.dangers(blob), labels.is_unsafe(blob)) == (None, [], False)
