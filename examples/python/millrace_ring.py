"""Reads frames that Millrace shares between processes. Python 3.9 or later and numpy, on Linux; nothing else.

    from millrace_ring import Reader

    for frame in Reader("lesson_4"):
        print(frame.pixels.shape, frame.missed)

It needs the ring's name alone. The bytes of a ring are described at the top of ffi/millrace.h; this is the reader's side of
that description: a frame is copied first, and given out only if the writer did not reach its place meanwhile. The
writer never waits for a reader, and knows of none.

Loads of eight bytes that lie at a multiple of eight are whole, and on x86-64 later ones never pass earlier ones, which this
relies on. On other processors Python has no fence to offer: there a frame might be torn, unlikely as it is.

From a shell: python3 millrace_ring.py NAME [COUNT]
"""

import ctypes
import errno
import fcntl
import mmap
import os
import struct
import sys
import time
from dataclasses import dataclass
from typing import Iterator, List, Optional

import numpy as np

FORMATS = ("I420", "I422", "I444", "NV12", "I420P10", "RGB24", "BGR24", "RGBA", "BGRA", "GRAY8", "RGBPF32")
CHANNELS = {"RGB24": 3, "BGR24": 3, "RGBA": 4, "BGRA": 4, "GRAY8": 1}
HEAD, OLDEST, SIGNAL, STATE = 128, 136, 144, 148
HEADER_BYTES, SLOT_BYTES, VERSION = 256, 128, 1
CLOSED, MOVED = 2, 3
FUTEX_WAIT = 0
SYS_FUTEX = {"x86_64": 202, "aarch64": 98}

# sequence, payload offset, payload bytes, pts, dts, wallTime, receivedAt, publishedAt, flags, generation, format, width, height,
# streamId, planes, blob bytes, and offset and stride of four planes
SLOT = struct.Struct("<QQQqqdddIIIIIIII8I")


class RingError(Exception):
    """What is wrong with a ring, in one sentence."""


@dataclass
class Frame:
    """One picture. The pixels are a copy, and the caller's."""

    pixels: np.ndarray
    """Height by width by channels for RGB24, BGR24, RGBA and BGRA; height by width for GRAY8; 3 by height by width floats for
    RGBPF32; else the planes' bytes, packed."""
    format: str
    width: int
    height: int
    sequence: int
    """Its number in the ring."""
    missed: int
    """How many frames were not read between the one before and this one."""
    pts: int
    """Microseconds of the stream."""
    wall_time: Optional[float]
    """When the camera took it, in Unix seconds by the camera's clock; None where that is not known."""
    received_at: float
    """When the last packet of it reached the host, in Unix seconds."""
    keyframe: bool
    corrupt: bool
    stream_id: int
    generation: int
    """Another one means another size, or another writer."""
    blob: bytes
    """What the writer put beside it."""

    @property
    def age(self) -> float:
        """Seconds since the last packet of it reached the host."""
        return time.time() - self.received_at


class Reader:
    """A ring, opened by its name. Iterate over it, or call `next()`.

    mode: "latest" skips to the newest frame; "every" gives each one while it keeps up.
    wait: seconds to wait for a ring that is not there yet.
    """

    def __init__(self, name: str, mode: str = "latest", wait: float = 0.0):
        if mode not in ("latest", "every"):
            raise ValueError(f'Cannot read ring "{name}": mode is {mode!r}, expected "latest" or "every"')
        self.name, self.mode = name, mode
        self.missed = 0
        """Frames that were not read, since it was opened."""
        self._cursor = -1
        self._gap = 0
        self._fresh = True
        self._open(wait)

    def _open(self, wait: float) -> None:
        until = time.monotonic() + wait
        while True:
            try:
                self._fd = os.open(f"/dev/shm/{self.name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                break
            except OSError as error:
                if error.errno != errno.ENOENT or time.monotonic() >= until:
                    raise RingError(f'Cannot open ring "{self.name}": {error.strerror}') from None
            time.sleep(0.05)
        try:
            size = os.fstat(self._fd).st_size
            if size < HEADER_BYTES:
                raise RingError(f'Cannot open ring "{self.name}": it has {size} bytes, and is no ring')
            self._map = mmap.mmap(self._fd, size, prot=mmap.PROT_READ)
            self._bytes = np.frombuffer(self._map, np.uint8)
            self._address = self._bytes.ctypes.data
            self._check(size)
        except Exception:
            self.close()
            raise

    def _check(self, size: int) -> None:
        head = struct.unpack_from("<8sIIQIIQQIIQQdI", self._map, 0)
        magic, version, header_bytes, total, slots, slot_bytes, arena, arena_bytes, kind, policy, cell = head[:11]
        if magic != b"MILLRACE":
            raise RingError(f'Cannot open ring "{self.name}": it is no ring of Millrace\'s')
        if version != VERSION:
            raise RingError(f'Cannot open ring "{self.name}": its layout has version {version}, this reads {VERSION}')
        if kind != 1:
            raise RingError(f'Cannot open ring "{self.name}": it holds no frames')
        whole = header_bytes == HEADER_BYTES and slot_bytes == SLOT_BYTES and total <= size and slots >= 1
        if not (whole and HEADER_BYTES + slots * SLOT_BYTES <= arena and arena + arena_bytes <= total):
            raise RingError(f'Cannot open ring "{self.name}": its header is damaged')
        if policy == 1 and slots * cell > arena_bytes:
            raise RingError(f'Cannot open ring "{self.name}": its header is damaged')
        self.slots, self._arena, self._arena_bytes = slots, arena, arena_bytes
        self._cell = cell if policy == 1 else None
        self._words = np.frombuffer(self._map, np.uint64, arena // 8)

    def close(self) -> None:
        """Lets go of the memory. Idempotent."""
        self._words = self._bytes = None
        if getattr(self, "_map", None) is not None:
            self._map.close()
            self._map = None
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            frame = self.next()
            if frame is None:
                return
            yield frame

    @property
    def alive(self) -> bool:
        """Whether the writer lives: it holds a lock for as long as it does, however it ends."""
        flock = struct.pack("@hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(self._fd, fcntl.F_OFD_GETLK, flock)
        return struct.unpack_from("@h", answer)[0] == fcntl.F_WRLCK

    def next(self, timeout: Optional[float] = None) -> Optional[Frame]:
        """The next frame; None once the writer closed the ring or died, or when nothing came in so many seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            signal = self._word32(SIGNAL)
            # Asked before looking: what was published before the end is found then.
            state = self._word32(STATE)
            over = state == CLOSED or state != MOVED and not self.alive
            frame = self.poll()
            if frame is not None:
                return frame
            if state == MOVED:
                if not self._follow():
                    return None
                continue
            if over or until is not None and time.monotonic() >= until:
                return None
            self._sleep(signal, 0.2 if until is None else min(0.2, until - time.monotonic()))

    def _follow(self) -> bool:
        """Goes on in the ring that the writer made because its frames outgrew this one; False where that is over, too."""
        try:
            after = Reader(self.name, self.mode)
        except RingError:
            return False
        after._cursor, after._fresh, after._gap, after.missed = 0, False, self._gap, self.missed
        self.close()
        self.__dict__.update(after.__dict__)
        return True

    def poll(self) -> Optional[Frame]:
        """The next frame, if there is one."""
        for _ in range(64):
            head, oldest = int(self._words[HEAD // 8]), int(self._words[OLDEST // 8])
            if self._cursor < 0:
                self._cursor = max(0, head - 1)
            elif self.mode == "latest" and head - 1 > self._cursor:
                self._lose(head - 1 - self._cursor)
            if self._cursor >= head:
                return None
            least = min(max(oldest, head - self.slots), head - 1)
            if self._cursor < least:
                self._lose(least - self._cursor)
            frame = self._copy(self._cursor)
            if frame is not None:
                self._cursor += 1
                self._gap = 0
                self._fresh = False
                return frame
            self._lose(1)
        return None

    def _copy(self, sequence: int) -> Optional[Frame]:
        at = HEADER_BYTES + (sequence % self.slots) * SLOT_BYTES
        if int(self._words[at // 8]) != sequence + 1:
            return None
        record = SLOT.unpack(self._map[at : at + SLOT_BYTES])
        _, offset, size, pts, _, wall_time, received_at, _ = record[:8]
        flags, generation, code, width, height, stream_id, planes, blob_bytes = record[8:16]
        end = offset + size + blob_bytes
        cell = 0 if self._cell is None else (sequence % self.slots) * self._cell
        fits = end <= self._arena_bytes and (self._cell is None or offset == cell and end <= cell + self._cell)
        if not fits or not 1 <= code <= len(FORMATS) or not 1 <= planes <= 4:
            return None
        start = self._arena + offset
        payload = self._bytes[start : start + size].copy()
        blob = self._bytes[start + size : start + size + blob_bytes].tobytes()
        # Whole only if the writer did not come this far round meanwhile.
        if int(self._words[OLDEST // 8]) > sequence or int(self._words[at // 8]) != sequence + 1:
            return None
        name = FORMATS[code - 1]
        channels = CHANNELS.get(name)
        if channels is not None:
            first, stride = record[16], record[17]
            row = width * channels
            if stride < row or height < 1 or first + stride * (height - 1) + row > size:
                return None
            rows = np.lib.stride_tricks.as_strided(payload[first:], (height, row), (stride, 1), writeable=True)
            payload = rows.reshape((height, width, channels) if channels > 1 else (height, width))
        if name == "RGBPF32":
            layout = [(record[16 + 2 * i], record[17 + 2 * i]) for i in range(3)]
            if planes != 3 or height < 1 or any(s < 4 * width or o + s * (height - 1) + 4 * width > size for o, s in layout):
                return None
            floats = [np.lib.stride_tricks.as_strided(payload[o:], (height, 4 * width), (s, 1)) for o, s in layout]
            payload = np.stack(floats).view(np.float32)
        seconds = None if wall_time != wall_time else wall_time / 1e3
        return Frame(
            payload, name, width, height, sequence, self._gap, pts, seconds, received_at / 1e3,
            bool(flags & 1), bool(flags & 2), stream_id, generation, blob,
        )

    def _lose(self, frames: int) -> None:
        self._cursor += frames
        # What went by before this reader's first frame was never meant for it.
        if self._fresh:
            return
        self._gap += frames
        self.missed += frames

    def _word32(self, offset: int) -> int:
        return int(self._words[offset // 8]) >> (32 if offset % 8 else 0) & 0xFFFFFFFF

    def _sleep(self, signal: int, seconds: float) -> None:
        """Until the signal is another one, or the time is over."""
        if seconds <= 0:
            return
        number = SYS_FUTEX.get(os.uname().machine)
        if number is None:
            time.sleep(min(seconds, 0.002))
            return
        until = struct.pack("@qq", int(seconds), int(seconds % 1 * 1e9))
        _LIBC.syscall(number, ctypes.c_void_p(self._address + SIGNAL), FUTEX_WAIT, ctypes.c_uint32(signal), until, None, 0)


_LIBC = ctypes.CDLL(None, use_errno=True)


def main(arguments: List[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print("usage: python3 millrace_ring.py NAME [COUNT]", file=sys.stderr)
        return 2
    left = int(arguments[1]) if len(arguments) > 1 else -1
    try:
        with Reader(arguments[0], mode="every", wait=10) as reader:
            for frame in reader:
                mean = f"mean {frame.pixels.mean():.1f}"
                print(f"{frame.sequence}: {frame.width}x{frame.height} {frame.format}, {frame.missed} missed, {mean}", flush=True)
                left -= 1
                if left == 0:
                    break
    except RingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
