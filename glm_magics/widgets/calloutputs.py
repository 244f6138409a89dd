"""What a cell keeps of a call: the live view, and for a saved notebook the transcript and a player."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtraError
from ..frontends import new_display_id
from ..realtime.setup import CallSetup
from ..realtime.tapes import CallAudio
from ..speech import MAX_PLAYER_BYTES, Speech

if TYPE_CHECKING:
    from .calling import CallWidget

NOT_YET = {
    "text/plain": "No call was made here. Run the cell in a notebook to talk, or send a recording: "
    'glm.realtime.talk_file("question.wav").'
}
NO_SOUND = {"text/plain": ""}
_MP3_BYTES_PER_S = 8_000


def open_widget(setup: CallSetup) -> CallWidget:
    """The view of a call that is not begun yet.

    Raises:
        MissingExtraError: anywidget is not installed.
    """
    try:
        from .calling import CallWidget
    except ImportError:
        raise MissingExtraError.naming("widgets", "The call's widget needs anywidget, which is not installed.") from None
    about = " · ".join(filter(None, (setup.model, setup.voice)))
    fields: dict[str, Any] = {"vad": setup.vad, "has_video": setup.has_video, "is_interruptible": setup.is_interruptible}
    return CallWidget(about=about, **fields)


class CallOutputs:
    """The outputs of a call: transcript, player, view.

    The first two are outputs of their own, which the view hides while it lives: JupyterLab takes the live view of a bundle even
    where its kernel is gone, and shows an error in place of what is beside it.
    """

    def __init__(self, widget: CallWidget) -> None:
        self._widget = widget
        stem = new_display_id()
        self._ids = {"transcript": f"{stem}-words", "player": f"{stem}-sound"}
        self._is_shown = False

    def show(self, transcript: dict[str, str], sound: dict[str, str]) -> None:
        """Displays it in the present cell."""
        from IPython.display import display

        display(transcript or NOT_YET, raw=True, display_id=self._ids["transcript"])
        display(sound or NO_SOUND, raw=True, display_id=self._ids["player"])
        self._is_shown = self._widget.has_still = True
        if view := self._widget._repr_mimebundle_():
            display({**view[0], "text/plain": "Run the cell to talk."}, metadata=view[1], raw=True)

    def keep_transcript(self, transcript: dict[str, str]) -> None:
        """The words so far."""
        self._update("transcript", transcript or NOT_YET)

    def keep_sound(self, bundle: dict[str, str]) -> None:
        """The player, once the call is over."""
        self._update("player", bundle or NO_SOUND)

    def _update(self, which: str, data: dict[str, Any]) -> None:
        from IPython.display import display

        if self._is_shown:
            display(data, raw=True, display_id=self._ids[which], update=True)


def recording(audio: CallAudio) -> tuple[dict[str, str], str, bytes]:
    """A mime bundle that plays both sides, the mime type, and the bytes: MP3 where PyAV is there, else WAV.

    Where nothing sounded all are empty; what is too large for a notebook is a sentence, and has no bytes.
    """
    seconds = audio.seconds
    if not seconds:
        return {}, "", b""
    said = f"{seconds:.0f} s of a call"
    too_much = {"text/plain": f'{said}, too much for a notebook: .audio.save("call.mp3") keeps it.'}
    if seconds * _MP3_BYTES_PER_S > MAX_PLAYER_BYTES:
        return too_much, "", b""
    mixed = audio.mixed
    mime, data = encode(mixed) if mixed else ("", b"")
    if not data or len(data) > MAX_PLAYER_BYTES:
        return (too_much if data else {}), "", b""
    source = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
    bundle = {"text/html": f'<audio controls preload="metadata" src="{source}"></audio>', "text/plain": f"<{said}>"}
    return bundle, mime, data


def encode(speech: Speech) -> tuple[str, bytes]:
    """Its mime type and bytes: MP3 where PyAV is there, else WAV."""
    try:
        return "audio/mpeg", speech.mp3_bytes
    except MissingExtraError:
        return "audio/wav", speech.wav_bytes
