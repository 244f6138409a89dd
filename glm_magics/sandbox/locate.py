"""Answering "where is …" about pictures: what is asked for, what was found, in the words of the model's family."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from glm_magics.sandbox.pictures import Picture
from glm_magics.sandbox.vision import TARGETS, Target, is_locating, require_vision, targets_in
from glm_magics.sandbox.wrappers import Labelled, Wrapper, wrapper_of

_WANTS_JSON = re.compile(r"\bjson\b|bbox_2d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Search:
    """What was found in one picture; boxes in thousandths."""

    number: int
    things: str
    found: tuple[Labelled, ...]

    @property
    def sentence(self) -> str:
        """What happened, without numbers a reader could take for a box."""
        return f"Picture {self.number}: classical vision looked for {self.things} and found {len(self.found) or 'none'}."


def findable() -> str:
    """What can be looked for, as a sentence."""
    colours = ", ".join(target.label for target in TARGETS if target.label != "face")
    return f"In pictures it can look for faces, and for things of one colour ({colours}); it finds nothing else by name."


def locate(prompt: str, pictures: Sequence[Picture], model_id: str) -> tuple[str, tuple[str, ...]] | None:
    """The answer's text and the steps of thinking; None when the prompt does not ask where something findable is.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    targets = targets_in(prompt) if is_locating(prompt) else []
    if not targets:
        return None
    require_vision()
    searches = [_search(n, picture, targets) for n, picture in enumerate(pictures, 1)]
    steps = tuple(
        f"I look at the picture: {p.width_px}×{p.height_px}. {search.sentence}"
        for p, search in zip(pictures, searches, strict=True)
    )
    return _written(searches, wrapper_of(model_id), bool(_WANTS_JSON.search(prompt))), steps


def _search(number: int, picture: Picture, targets: Sequence[Target]) -> _Search:
    boxes = [box for target in targets for box in target.find(picture.image)]
    found = tuple((box.label, box.thousandths) for box in boxes)
    return _Search(number, " and ".join(target.things for target in targets), found)


def _written(searches: Sequence[_Search], wrapper: Wrapper, wants_json: bool) -> str:
    sections = []
    for search in searches:
        has_boxes = bool(search.found) or wants_json
        sections += [search.sentence, *([wrapper.write(search.found, wants_json)] if has_boxes else [])]
    text = "\n\n".join(sections)
    if not wrapper.has_answer_tags:
        return text
    thought = " ".join(search.sentence for search in searches)
    return f"<think>{thought}</think><answer>{text}</answer>"
