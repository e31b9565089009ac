"""tus-js-client, a client of tus that is not of our making, in a browser, at a real server."""

import hashlib
import random

import pytest

from tests.browser.npm import source
from tests.browser.relay import BROKEN
from tests.browser.watching import visit

MIB = 1 << 20
SIZE, CHUNK = 20 * MIB, 2 * MIB

PREPARE = """
() => {
  document.body.innerHTML = "<input type=file>";
  window.begin = (image, chunkSize, retryDelays, stopAt) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("still not done")), 60000);
    const file = document.querySelector("input").files[0];
    const upload = new tus.Upload(file, {
      endpoint: "/api/uploads", metadata: {image, filename: file.name}, chunkSize, retryDelays,
      onError: reject, onSuccess: () => resolve("done"),
      onChunkComplete(size, accepted) {
        if (stopAt && accepted >= stopAt) upload.abort().then(() => resolve(accepted));
      },
    });
    upload.findPreviousUploads().then((previous) => {
      if (previous.length) upload.resumeFromPreviousUpload(previous[0]);
      upload.start();
    });
  });
}
"""
BEGIN = "([image, chunk, delays, stop]) => begin(image, chunk, delays, stop)"


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A file of bytes like no others."""
    path = tmp_path_factory.mktemp("disk") / "disk.img"
    path.write_bytes(random.Random(7).randbytes(SIZE))
    return path


def prepare(page, disk):
    """Load the client into a document of the server's, and choose the file there."""
    visit(page, "/api")
    page.evaluate(source("tus-js-client/dist/tus.min.js") + "; 0")
    page.evaluate(PREPARE)
    page.set_input_files("input", disk)


def assert_arrived(person, image, disk):
    data = person.ask("GET", f"/api/images/raw/{image}").body
    assert hashlib.sha256(data).digest() == hashlib.sha256(disk.read_bytes()).digest()
    shown = person.ask("GET", f"/api/images/{image}").json()
    assert shown["checksum"]["value"] == hashlib.sha256(data).hexdigest()


def offsets(page):
    """Note where each part of an upload begins, as it is sent."""
    noted = []

    def note(request):
        if request.method == "PATCH":
            noted.append(int(request.headers["upload-offset"]))

    page.on("request", note)
    return noted


def test_upload_that_was_stopped_goes_on_in_a_new_page(browse, ann, disk):
    ann.create("stopped")
    page = browse(ann)
    prepare(page, disk)
    assert page.evaluate(BEGIN, ["stopped", CHUNK, [], SIZE // 2]) == SIZE // 2
    page.close()
    again = page.context.new_page()
    again.watch = page.watch
    sent = offsets(again)
    prepare(again, disk)
    assert again.evaluate(BEGIN, ["stopped", CHUNK, [], 0]) == "done"
    assert sent == list(range(SIZE // 2, SIZE, CHUNK))
    assert_arrived(ann, "stopped", disk)


def test_upload_goes_on_by_itself_after_its_connection_was_cut(browse, ann, disk, relay):
    ann.create("cut")
    link = relay(ann)
    page = browse(ann, through=link)
    sent = offsets(page)
    prepare(page, disk)
    page.watch.expect(BROKEN)
    link.cut_after(SIZE // 2)
    page.on("requestfailed", lambda request: link.accept())
    assert page.evaluate(BEGIN, ["cut", SIZE, [100, 500, 1000], 0]) == "done"
    first, second = sent
    # Of what was on its way when it was cut, a part had not been read, and is sent again.
    assert first == 0 < second <= SIZE // 2
    assert abs(link.upstream - (SIZE // 2 + SIZE - second)) < MIB // 16
    assert_arrived(ann, "cut", disk)
