"""A recording made in the cell: a button on the page, the sound in Python."""

from __future__ import annotations

import time
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from .errors import MediaError, MissingExtraError
from .frontends import new_display_id
from .speech import Speech, player
from .widgets.calloutputs import encode

MAX_S = 600.0
"""What glm-4-voice takes at most (protocol reference 2.4)."""

RATE_HZ = 16_000
MAX_PIECE_BYTES = 64_000
GONE_S = 5.0
"""A page that records sends a piece every 0.1 s."""

NOT_YET = {"text/plain": "Nothing was recorded here. Run the cell in a notebook to record, or give a file: %%glm -f question.wav"}


class Recorder:
    """What a microphone hears on the page, at most ten minutes, to be put into a question.

    ::

        question = glm.Recorder()
        question                     # press Record, speak, press Stop
        %%glm -f question            # in the next cell: glm-4-voice answers aloud; or {question} in the text

    `.audio` has the samples, ``glm.realtime.talk_file(question)`` sends it in a call.

    Raises:
        MissingExtraError: anywidget is not installed.
    """

    def __init__(self) -> None:
        try:
            from .widgets.recorder import RecorderWidget
        except ImportError:
            raise MissingExtraError.naming("widgets", "Recording needs anywidget, which is not installed.") from None
        self._widget = RecorderWidget(max_s=MAX_S)
        self._widget.on_msg(self._on_message)
        self._samples = bytearray()
        self._page = ""
        self._heard_s = 0.0
        self._id = new_display_id()

    @property
    def is_on(self) -> bool:
        """It is being recorded; a page that was closed meanwhile records no longer."""
        return bool(self._page) and time.monotonic() - self._heard_s < GONE_S

    @property
    def seconds(self) -> float:
        """How long it is so far."""
        return len(self._samples) / 2 / RATE_HZ

    @property
    def audio(self) -> Speech | None:
        """The sound: `.samples`, `.rate_hz`, `.wav_bytes`; None where nothing was recorded yet."""
        return Speech(bytes(self._samples), headerless_hz=RATE_HZ) if self._samples else None

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes a file whose name ends in ``.wav`` or ``.mp3``; gives its path.

        Raises:
            MediaError: there is nothing to save, the name ends otherwise, or the place cannot be written to.
            MissingExtraError: an MP3 needs PyAV.
        """
        return self.__glm__().save(path)

    def __glm__(self) -> Speech:
        """What is sent for it in a question.

        Raises:
            MediaError: nothing is recorded yet, or it is not over.
        """
        if self.is_on:
            raise MediaError("It is still being recorded.", "Press Stop in its cell first.")
        if (audio := self.audio) is None:
            raise MediaError("Nothing is recorded yet.", "Press Record in its cell, or give a file, as in -f question.wav.")
        return audio

    def _on_message(self, widget: object, content: object, buffers: object) -> None:
        """A message of the page; what is not exactly as expected is passed over."""
        raw: Mapping[str, Any] = content if isinstance(content, dict) else {}
        page = raw.get("page")
        if not isinstance(page, str) or not 0 < len(page) <= 60:
            return
        if raw.get("type") == "begin":
            self._page, self._samples, self._heard_s = page, bytearray(), time.monotonic()
        elif page == self._page and raw.get("type") == "sound":
            self._hear(buffers)
        elif page == self._page and raw.get("type") == "end":
            self._page = ""
            self._finish()

    def _hear(self, buffers: object) -> None:
        if not isinstance(buffers, list | tuple) or len(buffers) != 1 or not isinstance(buffers[0], bytes | memoryview):
            return
        self._heard_s = time.monotonic()
        piece, left = bytes(buffers[0]), int(MAX_S * RATE_HZ) * 2 - len(self._samples)
        if len(piece) <= MAX_PIECE_BYTES:
            self._samples += piece[: min(len(piece) // 2 * 2, left)]

    def _finish(self) -> None:
        """It is over: a player for the page, and for the saved notebook."""
        from IPython.display import display

        audio = self.audio
        is_heard = audio is not None and any(self._samples)
        self._widget.message = "" if is_heard else "Nothing was heard: is the right microphone chosen, and not muted?"
        self._widget.about = f"{self.seconds:.1f} s recorded" if audio else ""
        display(player(audio) if audio else NOT_YET, raw=True, display_id=self._id, update=True)
        if audio:
            mime, data = encode(audio)
            self._widget.send({"type": "recording", "mime": mime}, [data])

    def _ipython_display_(self) -> None:
        """IPython's hook: a player for the saved notebook, and the button."""
        from IPython.display import display

        display(player(self.audio) if self.audio else NOT_YET, raw=True, display_id=self._id)
        self._widget.has_still = True
        if view := self._widget._repr_mimebundle_():
            display({**view[0], "text/plain": "Run the cell to record."}, metadata=view[1], raw=True)

    def __repr__(self) -> str:
        return f"<{self.seconds:.1f} s recorded>" if self._samples else "<nothing recorded yet>"
