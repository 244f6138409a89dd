"""``%glm_replay``: what was answered once, answered again at no cost."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, magics_class

from ..errors import OptionError, one_line
from ..options import nearest
from ..session import Session
from .arguments import split_words

WAYS = ("record", "replay", "refresh", "off")


@magics_class
class ReplayMagics(Magics):
    """Holds the session."""

    def __init__(self, shell: Any, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    def glm_replay(self, line: str) -> Any:
        """Keep answers in a file beside the notebook, and give them from there: Restart & Run All at no cost, without a key.

            %glm_replay                    what is done now, and what the file holds
            %glm_replay record [FILE]      what was asked before comes from the file, the rest is asked and kept
            %glm_replay replay [FILE]      everything comes from the file, which must be there; what is not in it is an error that
                                           says what differs
            %glm_replay refresh [FILE]     everything is asked once more and kept
            %glm_replay off                neither
            %glm_replay replay --timed     as slowly as it came

        FILE is glm-replay.jsonl in the folder of the notebook where the front end tells that, else in the working directory.
        It holds the words of requests and answers, no key and no header; pictures, sound and files of a request by their hash.
        A recording is found by what is asked: provider, model, messages, options. The line below an answer says "on record",
        and ids, times and tokens are those of the day it was recorded; a replayed answer costs nothing and is not in the ledger.
        An answer may be edited by hand in the file; the line below says so. GLM_REPLAY=replay in the environment counts more than
        the notebook's own word. `--cache` does the same as `record` for one cell. Vectors are not in this file: they have a cache
        of their own, which `glm.embed(…, cache=FOLDER)` keeps beside the notebook; replaying, what it lacks is an error.
        """
        from ..replaying import ReplayCard

        words = split_words(line)
        is_timed = "--timed" in words
        words = [word for word in words if word != "--timed"]
        if not words and not is_timed:
            return ReplayCard(self._session.replays.deck)
        way, *rest = words or ["replay"]
        if way not in WAYS:
            raise OptionError(f"%glm_replay has no command `{one_line(way, 40)}`.", nearest(way, WAYS))
        if len(rest) > 1:
            raise OptionError("One file at a time.", f"Write `%glm_replay {way} FILE`; a name with spaces needs quotes.")
        return ReplayCard(self._session.replay(way, "".join(rest), is_timed), said=way)
