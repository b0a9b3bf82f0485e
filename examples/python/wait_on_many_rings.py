"""Reads frames out of many rings in one event loop, with an eventfd for each of them.

    python3 wait_on_many_rings.py SOCKET COUNT RING...

SOCKET is where a program of Millrace shares eventfds: examples/share_event_fds.ts, or any other that calls `shareEventFds`. Here the
loop is one of `selectors`; with asyncio it is `loop.add_reader(fd, callback)`, and with Qt a `QSocketNotifier`.
"""

import os
import selectors
import socket
import sys
from typing import Dict, Iterator, List, Optional, Tuple

from millrace_ring import Frame, Reader, RingError


def event_fd(server: socket.socket, name: str) -> int:
    """An eventfd that counts what is published in a ring. It is kept up as long as the connection is open."""
    server.send(name.encode())
    answer, descriptors, _, _ = socket.recv_fds(server, 200, 1)
    if not descriptors:
        raise RingError(f'Cannot wait for ring "{name}": {answer.decode() or "the server is gone"}')
    return descriptors[0]


def open_ring(name: str) -> Optional[Reader]:
    """The ring of that name, if it has a living writer."""
    try:
        reader = Reader(name, mode="every")
    except RingError:
        return None
    if reader.alive:
        return reader
    reader.close()
    return None


def unread(readers: Dict[str, Optional[Reader]], name: str) -> Iterator[Frame]:
    """What is in a ring; where its writer has ended, and another one is there, what is in that one's."""
    reader = readers[name]
    if reader is not None:
        # Asked before looking: what was published before the end is found then.
        alive = reader.alive
        yield from iter(reader.poll, None)
        if alive:
            return
        reader.close()
    readers[name] = reader = open_ring(name)
    if reader is not None:
        yield from iter(reader.poll, None)


def frames_of(path: str, names: List[str]) -> Iterator[Tuple[str, Frame]]:
    """Each frame of all the rings, as it comes, across the ends and restarts of their writers; ends with the server."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server, selectors.DefaultSelector() as loop:
        server.connect(path)
        for name in names:
            loop.register(event_fd(server, name), selectors.EVENT_READ, name)
        loop.register(server, selectors.EVENT_READ, None)
        # Opened after the eventfds are there, so that nothing comes between.
        readers: Dict[str, Optional[Reader]] = {name: open_ring(name) for name in names}
        ready = list(names)
        while True:
            for name in ready:
                for frame in unread(readers, name):
                    yield name, frame
            ready = []
            for key, _ in loop.select():
                if key.data is None:
                    return  # the server is gone, and its eventfds count no more
                os.read(key.fd, 8)
                ready.append(key.data)


def main(arguments: List[str]) -> int:
    if len(arguments) < 3:
        print("usage: python3 wait_on_many_rings.py SOCKET COUNT RING...", file=sys.stderr)
        return 2
    left = int(arguments[1])
    try:
        for name, frame in frames_of(arguments[0], arguments[2:]):
            mean = frame.pixels.mean()
            print(f"{name}: frame {frame.sequence}, {frame.width}x{frame.height}, {frame.missed} missed, mean {mean:.1f}", flush=True)
            left -= 1
            if left == 0:
                return 0
    except (RingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
