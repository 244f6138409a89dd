"""Events from bytes, however they are cut and ended."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glm_magics.sse import SSEDecoder


def decode(*chunks: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", [b"a", b"b"], id="lf"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"], id="crlf"),
        pytest.param(b"data: a\r\rdata: b\r\r", [b"a", b"b"], id="cr-alone"),
        pytest.param(b"data: a\r\n\ndata: b\n\r\n", [b"a", b"b"], id="mixed-line-ends"),
        pytest.param(b"data:a\n\n", [b"a"], id="no-space"),
        pytest.param(b"data:  a \n\n", [b" a "], id="one-space-only-is-dropped"),
        pytest.param(b"data: a\ndata: b\n\n", [b"a\nb"], id="multi-line-data"),
        pytest.param(b"data: a\n: ping\ndata: b\n\n", [b"a\nb"], id="comment-within-an-event"),
        pytest.param(b": ping\n\n: ping\n\ndata: a\n\n", [b"a"], id="comments-are-no-events"),
        pytest.param(b"event: ping\n\nretry: 10\n\nid: 5\ndata: a\n\n", [b"a"], id="events-without-data"),
        pytest.param(b"data:\n\ndata: \n\ndata: a\n\n", [b"a"], id="empty-data-is-no-event"),
        pytest.param(b"data: a\n\n\n\ndata: b\n\n", [b"a", b"b"], id="extra-blank-lines"),
        pytest.param(b"data: a\n\ndata: b", [b"a", b"b"], id="no-final-blank-line"),
        pytest.param(b"data: a\n\ndata: b\n", [b"a", b"b"], id="no-final-blank-line-but-lf"),
        pytest.param(b"data: a\r", [b"a"], id="ends-in-cr"),
        pytest.param(
            "data: a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\n\n".encode(),
            ["a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg".encode()],
            id="u2028",
        ),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [b"a"], id="byte-order-mark"),
        pytest.param(b"\xff\xfe\x00garbage\n\ndata: \xff\n\n", [b"\xff"], id="garbage-is-passed-over"),
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\n\n\r\n", [], id="blank-lines-only"),
    ],
)
def test_streams_are_read(stream: bytes, events: list[bytes]) -> None:
    """Every form of line end, comment and ending gives the events that the standard says (the last one is kept)."""
    assert decode(stream) == events


PIECES = [
    b"data: ",
    b"data:",
    b"x",
    "né\u2028".encode(),
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b": ping",
    b"event: e",
    b"\xef\xbb\xbf",
    b"[DONE]",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.lists(st.integers(0, 200), max_size=12))
@example([b"\xef\xbb\xbf", b"data:", b"x"], [1, 2])
@example([b"data:", b"x", b"\r\n", b"data:", b"x", b"\r\n", b"\r\n"], [7])
def test_cuts_do_not_matter(pieces: list[bytes], cuts: list[int]) -> None:
    """The same bytes give the same events wherever the network cuts them, in the middle of a CRLF or a letter too."""
    stream = b"".join(pieces)
    offsets = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(offsets)]
    assert decode(*chunks) == decode(stream)
    assert decode(*(bytes([byte]) for byte in stream)) == decode(stream)


def test_a_10_mb_line_in_small_chunks_takes_linear_time() -> None:
    """A huge line cut into 2 500 chunks is joined once, not at every chunk."""
    decoder = SSEDecoder()
    started_s = time.thread_time()
    assert decoder.feed(b"data: ") == []
    for _ in range(2500):
        assert decoder.feed(b"x" * 4096) == []
    events = decoder.feed(b"\n\n")
    assert [len(event) for event in events] == [2500 * 4096]
    assert time.thread_time() - started_s < 0.5
