"""How long an answer takes to be read: typical ones, and ones that run away, at 20 000 and 160 000 characters.

``python -m tests.benchmarks grounding [runs]``. Beside it supervision's reader of Qwen 3, which takes fenced JSON alone, where
it is installed. The last column is the cost of eight times the text: 8 is linear.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from itertools import count

from glm_magics.grounding import read_boxes

SIZE = 20_000


def _fill(piece: Callable[[int], str], size: int) -> str:
    parts: list[str] = []
    length = 0
    for i in count():
        parts.append(piece(i))
        length += len(parts[-1])
        if length >= size:
            return "".join(parts)[:size]
    return ""


def _box(i: int) -> str:
    return f"[{i % 500}, {i % 300}, {i % 500 + 100}, {i % 300 + 200}]"


def _row(i: int) -> str:
    return f'{{"label": "cat-{i}", "bbox_2d": {_box(i)}}}, '


def _point(i: int) -> str:
    return f'{{"label": "cat-{i}", "point_2d": [{i % 1000}, {i % 700}]}}, '


ANSWERS: dict[str, Callable[[int], str]] = {
    "detection JSON": lambda size: f"```json\n[{_fill(_row, size)}",
    "list of boxes": lambda size: f"[{_fill(lambda i: _box(i) + ', ', size)}",
    "numbered lines": lambda size: _fill(lambda i: f"{i}. Person {i}: box {_box(i)}\n", size),
    "prose with boxes": lambda size: _fill(lambda i: f"A quiet street with some shops and the man number {i}[{_box(i)}]. ", size),
    "prose": lambda size: _fill(lambda i: f"Sentence {i} says (for the record) what is there, and that it's fine. ", size),
    "box a line": lambda size: _fill(lambda i: f"{_box(i)}\n", size),
    "doubles in prose": lambda size: _fill(lambda i: f"Nr. {i} is <|begin_of_box|>[{_box(i)}]<|end_of_box|>. ", size),
    "list of points": lambda size: f"<|begin_of_box|>[{_fill(lambda i: f'[{i % 1000}, {i % 700}], ', size)}",
    "point JSON": lambda size: f"[{_fill(lambda i: _point(i), size)}",
    "calls": lambda size: _fill(lambda i: f"CLICK(box=[{_box(i)}], element_info='Button {i}')\n", size),
    "digits": lambda size: f"[[15, 40, 70, {'9' * size}",
    "digits and commas": lambda size: f"[[15, 40, 70, {'9,' * (size // 2)}",
    "open brackets": lambda size: "[" * size,
    "open brackets 1": lambda size: "[1," * (size // 3),
    "brackets": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "brackets and a digit": lambda size: "[" * (size // 2) + "1" + "]" * (size // 2),
    "groups in tokens": lambda size: f"<|begin_of_box|>{_fill(lambda i: _box(i) + ', ', size)}<|end_of_box|>",
    "pairs in tokens": lambda size: f"<|begin_of_box|>{'[1,2] ' * (size // 6)}<|end_of_box|>",
    "round groups": lambda size: "(15 40 70 220) " * (size // 15),
    "groups in code": lambda size: f"`{_fill(lambda i: _box(i) + ' ', size)}`",
    "strings and tokens": lambda size: '{"a":"xxxx<|begin_of_box|>1"},' * (size // 30),
    "strings in strings": lambda size: '{"answer":"' * (size // 11) + "1",
    "cells": lambda size: f"|a|\n|-|\n|{_fill(lambda i: _box(i) + '|', size)}",
    "braces": lambda size: '{"a":' * (size // 5),
    "round": lambda size: "f(" * (size // 2),
    "double quotes": lambda size: "{" + '"' * size,
    "single quotes": lambda size: "['" + "' " * (size // 2),
    "quotes in braces": lambda size: "{'" * (size // 2),
    "backslashes": lambda size: "{" + "\\" * size,
    "escaped quotes": lambda size: "{" + '\\"' * (size // 2),
    "think": lambda size: "<think>1" * (size // 8),
    "/think": lambda size: "</think>1" * (size // 9),
    "tokens": lambda size: "<|begin_of_box|>1" * (size // 17),
    "tags": lambda size: "<box>1" * (size // 6),
    "tag starts": lambda size: "<box x1=" * (size // 8),
    "dollars": lambda size: "$1" * (size // 2),
    "math": lambda size: "\\(1" * (size // 3),
    "backticks": lambda size: "`1" * (size // 2),
    "fences": lambda size: "```\n1\n" * (size // 6),
    "spaces": lambda size: "[1" + " " * size,
    "newlines": lambda size: "[1" + "\n" * size,
    "box and newlines": lambda size: "[[15, 40, 70, 220]]" + "\n" * size,
    "box and stars": lambda size: "[[15, 40, 70, 220]]\n" + "*" * size,
    "pairs": lambda size: "(1,2) " * (size // 6),
    "names": lambda size: "x1=1 " * (size // 5),
    "corners": lambda size: "top-left (1,2) " * (size // 15),
    "table": lambda size: "|x1|y1|x2|y2|\n|-|-|-|-|\n" + "|1|2|30|40|\n" * (size // 12),
    "pipes": lambda size: "1|" * (size // 2),
    "words": lambda size: "bounding " * (size // 9) + "1",
    "one word": lambda size: "a" * size + "1",
    "colons": lambda size: "box:" * (size // 4) + "1",
    "minus": lambda size: "1" + "-" * size,
    "links": lambda size: "[1](" * (size // 4),
}


def spent_ms(text: str, runs: int) -> float:
    """The median CPU time of reading a text, in milliseconds."""
    times: list[float] = []
    for _ in range(runs):
        start = time.process_time()
        read_boxes(text, 1920, 1080)
        times.append(time.process_time() - start)
    return statistics.median(times) * 1000


def main(arguments: list[str]) -> None:
    """One row per kind of answer."""
    runs = int(arguments[0]) if arguments else 5
    print(f"{'answer':20} {'shapes':>6} {'20 000 ms':>10} {'160 000 ms':>11} {'x':>6}")
    for name, make in ANSWERS.items():
        small, large = make(SIZE), make(8 * SIZE)
        n_shapes = len(read_boxes(small, 1920, 1080).shapes)
        short, long = spent_ms(small, runs), spent_ms(large, max(1, runs // 2))
        print(f"{name:20} {n_shapes:6} {short:10.2f} {long:11.2f} {long / max(short, 0.01):6.1f}", flush=True)
    _beside_supervision(runs)


def _beside_supervision(runs: int) -> None:
    try:
        import supervision
    except ImportError:
        print("supervision: not installed")
        return
    text = ANSWERS["detection JSON"](SIZE)
    text = text[: text.rindex("},") + 1] + "]\n```"
    times: list[float] = []
    found = 0
    for _ in range(runs):
        start = time.process_time()
        found = len(supervision.Detections.from_vlm(supervision.VLM.QWEN_3_VL, text, resolution_wh=(1920, 1080)))
        times.append(time.process_time() - start)
    ours = len(read_boxes(text, 1920, 1080).shapes)
    theirs_ms = statistics.median(times) * 1000
    print(f"supervision on detection JSON: {found} boxes, {theirs_ms:.2f} ms; ours: {ours}, {spent_ms(text, runs):.2f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
