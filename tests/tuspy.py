"""An independent client of tus, PyPI's tuspy, sending a file with a break in the middle."""

import io
from contextlib import closing
from pathlib import Path

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

from tests.server.running import wait_until

MIB = 1 << 20


def send_with_a_break(site, image: str, certificates: tuple[Path, Path], folder: Path) -> bytes:
    """Upload 6 MiB to an image of that name, and return them.

    The first client, by the first certificate, sends two chunks and leaves the upload's URL. The
    next is killed in the middle of its request. Another goes on from the URL that was left, by the
    second certificate, which is the same person's.
    """
    data = b"".join(number.to_bytes(4, "big") for number in range(6 * MIB // 4))
    first, second = certificates

    def uploader(certificate, urls):
        return TusClient(f"{site.url}/api/uploads", client_cert=str(certificate)).uploader(
            file_stream=Disk(data),
            chunk_size=MIB,
            metadata={"image": image, "filename": "disk.img"},
            upload_checksum=True,
            store_url=True,
            url_storage=urls,
            # The server may not have noticed yet that the one before is dead, and says 423.
            retries=5,
            retry_delay=1,
        )

    with closing(FileStorage(str(folder / "urls.json"))) as urls:
        begun = uploader(first, urls)
        begun.upload_chunk()
        begun.upload_chunk()
        assert begun.offset == 2 * MIB
        kill_in_the_middle(site, begun, first, folder / "rest")
    with closing(FileStorage(str(folder / "urls.json"))) as urls:
        again = uploader(second, urls)
        assert again.url == begun.url
        assert 2 * MIB < again.offset < 6 * MIB
        again.upload()
    return data


class Disk(io.BytesIO):
    """What is uploaded; tuspy closes it when it has only looked at it, and never a file by path."""

    def close(self) -> None:
        pass


def kill_in_the_middle(site, upload, certificate, rest) -> None:
    """Go on with an upload slowly, by curl, which is killed."""
    rest.write_bytes(upload.file_stream.getvalue()[upload.offset :])
    told = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": upload.offset,
        "Content-Type": "application/offset+octet-stream",
    }
    headers = [part for name, value in told.items() for part in ("-H", f"{name}: {value}")]
    command = ["-X", "PATCH", *headers, "-T", rest, "--limit-rate", "2M", upload.url]
    curl = site.curl(*command, certificate=certificate, wait=False)
    try:
        assert wait_until(lambda: upload.get_offset() > 2 * MIB + MIB // 2)
    finally:
        curl.kill()
        curl.communicate()
