"""A person's way to a server that breaks when a test says so."""

import asyncio
import socket
import ssl
import struct
import threading
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

from tests.browser.site import Person

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time, so that closing sends RST and drops what waits to be sent."""

BROKEN = "net::ERR_"
"""For `Watch.expect`: Chromium has several words for a connection that breaks."""


class Relay:
    """Forwards what comes to ``origin``, a port of its own, to a server, until it is cut.

    It shows the person's certificate in the browser's place. Playwright, which does that too,
    takes everything that a page sends at once, whatever the server has read, and answers for a
    server that is gone: a progress bar would not be true, and nothing would break.

    ``upstream`` counts the bytes that went to the server, without TLS. All of it happens in a
    thread.
    """

    def __init__(self, person: Person) -> None:
        self.person, self.upstream = person, 0
        self._left: int | None = None
        self._is_open, self._writers = True, set[StreamWriter]()
        self._tasks = set[asyncio.Task]()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = socket.create_server(("127.0.0.1", 0))
        self.origin = f"https://localhost:{listening.getsockname()[1]}"
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(person.site.trust.folder / "server.pem")
        self._server = self._do(asyncio.start_server(self._serve, sock=listening, ssl=tls))

    @property
    def is_open(self) -> bool:
        """Whether connections come through."""
        return self._is_open

    def cut(self) -> None:
        """Break all connections now, and every new one until `accept`."""
        self._do(self._cut())

    def cut_after(self, size: int) -> None:
        """`cut` by itself once so many more bytes have gone upstream, of all connections.

        The server has not read the last of them then, and never will.
        """
        self._left = size

    def accept(self) -> None:
        """Let connections through again."""
        self._is_open = True

    def close(self) -> None:
        """End it."""
        try:
            self._do(self._close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _cut(self) -> None:
        self._is_open, self._left = False, None
        while self._writers:
            _reset(self._writers.pop())

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._tasks.add(task := asyncio.current_task())
        task.add_done_callback(self._tasks.discard)
        if not self._is_open:
            _reset(writer)
            return
        self._writers.add(writer)
        up_reader, up_writer = await asyncio.open_connection(
            "localhost", self.person.site.server.port, ssl=self.person.tls()
        )
        if writer not in self._writers:  # cut meanwhile
            _reset(up_writer)
            return
        self._writers.add(up_writer)
        await asyncio.gather(
            self._forward(reader, up_writer, is_up=True),
            self._forward(up_reader, writer, is_up=False),
        )
        self._writers -= {writer, up_writer}

    async def _forward(self, reader: StreamReader, writer: StreamWriter, *, is_up: bool) -> None:
        # Of a connection that was cut, or that one of the two ends broke.
        with suppress(OSError):
            while (data := await reader.read(1 << 16)) and writer in self._writers:
                writer.write(self._count(data) if is_up else data)
                await writer.drain()
                if self._left == 0:
                    await self._cut()
        # It ends by a word of TLS's that the other side answers; until then it can still be cut.
        writer.close()

    def _count(self, data: bytes) -> bytes:
        """Return as much of it as may still go."""
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self.upstream += len(data)
        return data


def _reset(writer: StreamWriter) -> None:
    """Break a connection as a cable does that is pulled, except that both ends learn of it."""
    # Where it has ended there is no socket, nor, where asyncio closed it twice, a protocol.
    with suppress(AttributeError):
        if connection := writer.get_extra_info("socket"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()
