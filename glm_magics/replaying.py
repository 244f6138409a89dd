"""Recording and replaying a notebook: where the file lies, what is done, who stands in when there is nobody to ask."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .errors import NoProviderError, OptionError, ReplayError, one_line
from .frontends import notebook_file
from .options import nearest
from .providers import SERVER_KINDS, Connection, Provider, Secret, sandbox_provider, server_provider
from .settings import GLM, PROVIDER_VARIABLE, data_folder, find_connection, find_provider
from .tapestore import TapeFile
from .taping import MODES, Deck, Mode

FILE_NAME = "glm-replay.jsonl"
"""In the folder of the notebook; notebooks of a folder may share it, since a recording is found by what was asked."""

VARIABLE = "GLM_REPLAY"
"""In the environment: what is to be done whatever the notebook says, e.g. ``replay`` where tests run."""

_WHAT = {
    "record": "answers are kept in `{file}`, and come from there where the same was asked before",
    "replay": "answers come from `{file}`; nothing is asked",
    "refresh": "everything is asked once more and kept in `{file}`",
    "off": "answers are neither kept nor replayed",
}


def find_mode(word: str) -> Mode:
    """The mode of that name.

    Raises:
        OptionError: there is none.
    """
    for mode in MODES:
        if mode == word:
            return mode
    raise OptionError(f"Replay has no mode `{one_line(word, 40)}`.", nearest(word, MODES))


class Replays:
    """Of one session: its recordings, and what is done with them.

    Args:
        shell: IPython's, or None.
        environment: the process's variables.
        config: ``%config GLM``.
    """

    def __init__(self, shell: Any, environment: Mapping[str, str], config: GLM) -> None:
        self._shell = shell
        self._environment = environment
        self._config = config
        self._deck: Deck | None = None

    @property
    def deck(self) -> Deck:
        """The recordings; made at the first need."""
        if self._deck is None:
            self._deck = self._make("off", "", False)
        return self._deck

    @property
    def is_on(self) -> bool:
        """True where all that is asked is recorded or replayed."""
        return (self._deck is not None or bool(self._environment.get(VARIABLE))) and self.deck.mode != "off"

    def open(self, mode: str, file: str = "", is_timed: bool = False) -> Deck:
        """Other recordings, or another way with them, from now on.

        Args:
            mode: a word of `taping.MODES`; the environment's word counts more.
            file: of the recordings; empty: `FILE_NAME` beside the notebook, else in the working directory.
            is_timed: replayed as slowly as it came.

        Raises:
            OptionError: there is no such mode.
            ReplayError: the file is none of recordings, or is named, to be replayed, and not there.
        """
        deck = self._make(mode, file, is_timed)
        if file and deck.mode == "replay" and not deck.path.exists():
            name = one_line(file, 200)
            raise ReplayError(
                f"There is no file {name} to replay.",
                f"Look at the name; `%glm_replay record {name}` makes it of what is asked from then on.",
            )
        deck.file.read()
        self._deck = deck
        return deck

    def _make(self, mode: str, file: str, is_timed: bool) -> Deck:
        word = self._environment.get(VARIABLE, "").strip() or mode
        path = Path(file).expanduser() if file else _folder(self._shell, self._environment) / FILE_NAME
        return Deck(TapeFile(path, data_folder(self._config)), find_mode(word), is_timed)

    def deck_for(self, is_cached: bool) -> Deck | None:
        """For one request; None: it is neither recorded nor replayed."""
        return self.deck if is_cached or self.is_on else None

    def is_recorded(self, connection: Connection, body: Mapping[str, Any], is_cached: bool) -> bool:
        """True where the answer will come from a recording, whole at once."""
        deck = self.deck_for(is_cached)
        return deck is not None and deck.is_recorded(connection, "/chat/completions", body, is_cached)

    def find_connection(
        self,
        start_sandbox: Callable[[], Connection],
        find_in_keyring: Callable[[str], str | None],
        choice: str = "",
        kind: str = "",
        key: Secret | None = None,
    ) -> Connection:
        """Who answers, as `settings.find_connection` says; without a key whoever is on record, and no way to ask.

        Raises:
            NoProviderError: nobody is on record either.
            InputError: the choice is neither a provider nor a URL.
        """

        def start() -> Connection:
            return _stand_in(_SANDBOX) if self.is_on and self.deck.mode == "replay" else start_sandbox()

        try:
            return find_connection(self._config, self._environment, start, find_in_keyring, choice, kind, key)
        except NoProviderError:
            name = self._recorded(choice) if self.is_on else ""
            if not name:
                raise
        if name == "sandbox":
            return start()
        return _stand_in(server_provider(_NOWHERE, name) if name in SERVER_KINDS else find_provider(name, kind))

    def _recorded(self, choice: str) -> str:
        recorded = next((tape.asked.wire.split()[0] for tape in self.deck.file.read().values()), "")
        return choice or self._config.provider or self._environment.get(PROVIDER_VARIABLE, "") or recorded


def _folder(shell: Any, environment: Mapping[str, str]) -> Path:
    told = notebook_file(shell, environment)
    folder = Path(told).parent
    return folder if told and Path(told).is_absolute() and folder.is_dir() else Path()


_NOWHERE = "http://recorded.invalid/v1"
_SANDBOX = sandbox_provider("http://127.0.0.1:0/api/paas/v4")


def _stand_in(provider: Provider) -> Connection:
    return Connection(replace(provider, needs_key=False), None, "none; answers come from the recordings")


class ReplayCard:
    """What is done with answers, for people.

    Args:
        deck: the recordings.
        said: the mode that the notebook asks for: the line is the same where the environment has another; empty: as things
            are, with counts.
    """

    def __init__(self, deck: Deck, said: str = "") -> None:
        self._deck = deck
        self._said = said

    def _words(self) -> str:
        deck = self._deck
        mode = self._said or deck.mode
        timed = ", as slowly as they came" if deck.is_timed and mode == "replay" else ""
        line = f"{mode}: {_WHAT[mode].format(file=deck.path.name)}{timed}."
        if self._said:
            return f"{line} There is no such file yet." if self._said == "replay" and not deck.path.exists() else line
        tapes = deck.file.read()
        n_edited = sum(tape.is_edited for tape in tapes.values())
        edited = f", {n_edited} of them edited by hand" if n_edited else ""
        where = "in the working directory" if deck.path.parent == Path() else f"in {os.path.relpath(deck.path.parent)}"
        return (
            f"{line} `{deck.path.name}` lies {where}; recordings: {len(tapes)}{edited}. "
            f"Answers of this session that came from it and cost nothing: {deck.n_played}; that were recorded: {deck.n_recorded}."
        )

    def __repr__(self) -> str:
        return self._words().replace("`", "")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/markdown": self._words()}
