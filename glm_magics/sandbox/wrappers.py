"""How each model family writes boxes. The vendor's models differ, and a reader of their answers must cope with all of it.

Source: the GLM-V repository and published answers (grounding reference, section 1). Whole thousandths of width and height.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Labelled = tuple[str, tuple[int, int, int, int]]
_BEGIN, _END = "<|begin_of_box|>", "<|end_of_box|>"


def _as_list(found: Sequence[Labelled]) -> str:
    """``[[15,40,70,220],[90,41,150,230]]``."""
    return json.dumps([box for _, box in found], separators=(",", ":"))


def _as_json(found: Sequence[Labelled]) -> str:
    """``[{"label": "face-1", "bbox_2d": [15,40,70,220]}]``, numbered where a label repeats."""
    labels = [label for label, _ in found]
    seen: dict[str, int] = {}
    rows = []
    for label, box in found:
        seen[label] = seen.get(label, 0) + 1
        name = f"{label}-{seen[label]}" if labels.count(label) > 1 else label
        rows.append(f'{{"label": {json.dumps(name)}, "bbox_2d": {json.dumps(box, separators=(",", ":"))}}}')
    return f"[{', '.join(rows)}]"


def _sentence(found: Sequence[Labelled], wants_json: bool) -> str:
    """The hosted models' plain sentence, or numbered lines."""
    if wants_json:
        return _as_json(found)
    if len(found) == 1:
        return f"The {found[0][0]} is at {list(found[0][1])}."
    return "\n".join(f"{n}. {label}: {list(box)}" for n, (label, box) in enumerate(found, 1))


def _box_tokens(found: Sequence[Labelled], wants_json: bool) -> str:
    return f"{_BEGIN}{_as_json(found) if wants_json else _as_list(found)}{_END}"


def _fence(found: Sequence[Labelled], wants_json: bool) -> str:
    return f"```json\n{_as_json(found)}\n```"


@dataclass(frozen=True, slots=True)
class Wrapper:
    """One family's way: how boxes are written, and whether thinking and answer are tagged inside the content."""

    write: Callable[[Sequence[Labelled], bool], str]
    has_answer_tags: bool = False


# By the start of the model id; the first that fits.
_WRAPPERS: tuple[tuple[str, Wrapper], ...] = (
    ("glm-4.1v", Wrapper(_box_tokens, has_answer_tags=True)),
    ("glm-4.5v", Wrapper(_box_tokens)),
    ("glm-4.6v", Wrapper(_fence)),
    ("glm-5", Wrapper(_fence)),
    ("glm-4v", Wrapper(_sentence)),
    ("", Wrapper(_sentence)),
)


def wrapper_of(model_id: str) -> Wrapper:
    """The row of a model."""
    return next(wrapper for start, wrapper in _WRAPPERS if model_id.startswith(start))
