"""Server-sent events from bytes.

Lines end at LF, CRLF or CR only: text-based line splitting also breaks at U+2028 and friends, which models do write, and
tears the JSON (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
"""

from __future__ import annotations

from dataclasses import dataclass, field

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class SSEDecoder:
    """Feed it bytes as they come; it gives the `data` of each finished event, as bytes.

    Comments, ids, retries and events without data are passed over. Cost is linear in the bytes, however they are cut.
    """

    _tail: list[bytes] = field(default_factory=list)
    _data: list[bytes] = field(default_factory=list)
    _skip_lf: bool = False
    _is_first_line: bool = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event that `chunk` completes, in order."""
        if self._skip_lf and chunk:
            chunk = chunk[1:] if chunk.startswith(b"\n") else chunk
            self._skip_lf = False
        if b"\n" not in chunk and b"\r" not in chunk:
            if chunk:
                self._tail.append(chunk)
            return []
        if self._tail:
            self._tail.append(chunk)
            chunk = b"".join(self._tail)
            self._tail = []
        lines = chunk.splitlines()  # of bytes: at LF, CRLF and CR, nowhere else
        if not chunk.endswith((b"\n", b"\r")):
            self._tail = [lines.pop()]
        elif chunk.endswith(b"\r"):
            self._skip_lf = True  # the LF of this CRLF may be in the next chunk
        if self._is_first_line:
            lines[0] = lines[0].removeprefix(_BOM)
            self._is_first_line = False
        return self._events(lines)

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line and data:
                if event := data[0] if len(data) == 1 else b"\n".join(data):
                    events.append(event)  # an empty one is no event
                data.clear()
        return events

    def close(self) -> list[bytes]:
        """The last event, when the stream ended without the blank line that should follow it."""
        return self.feed(b"\n\n")
