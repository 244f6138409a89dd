"""CPU time of drawing boxes on a photograph of 1920 × 1080, beside supervision's annotators in the same run.

``python -m tests.benchmarks boxes [runs]``. Both draw the same boxes with the same labels on a copy of the picture, in turn;
nothing is encoded. supervision draws with ``BoxAnnotator`` and ``LabelAnnotator(smart_position=True)`` on an array, its quickest
way.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from glm_magics.boxes import Boxes
from glm_magics.geometry import Box

SIZE = 1920, 1080
LABELS = ("cat", "dog", "traffic light", "person with an umbrella", "bicycle")
COUNTS = (1, 20, 50, 200, 1000)


def scene() -> Image.Image:
    """A photograph."""
    from skimage import data

    return Image.fromarray(data.coffee()).resize(SIZE)


def some_boxes(count: int) -> Boxes:
    """As in a street scene: few large, many small; the same in every run."""
    dice = random.Random(7)
    boxes = []
    for _ in range(count):
        width, height = (0.02 + 0.3 * dice.random() ** 3 for _ in range(2))
        x, y = dice.uniform(0, 1 - width), dice.uniform(0, 1 - height)
        boxes.append(Box((x, y, x + width, y + height), *SIZE, dice.choice(LABELS)))
    return Boxes(boxes)


def ours(image: Image.Image, boxes: Boxes) -> Callable[[], object]:
    """`Boxes.draw`, labels up to 50 boxes and numbers beyond."""
    return lambda: boxes.draw(image)


def ours_labels(image: Image.Image, boxes: Boxes) -> Callable[[], object]:
    """`Boxes.draw` with labels always, as supervision has them."""
    return lambda: boxes.draw(image, numbers=False)


def supervision(image: Image.Image, boxes: Boxes) -> Callable[[], object]:
    """Its two annotators with labels that make room for one another."""
    import supervision as sv

    pixels = np.asarray(image)[:, :, ::-1].copy()
    detections = boxes.to_supervision()
    labels = [shape.label for shape in boxes]
    box, label = sv.BoxAnnotator(thickness=3), sv.LabelAnnotator(smart_position=True)

    def draw() -> object:
        return label.annotate(box.annotate(pixels.copy(), detections), detections, labels=labels)

    return draw


def main(arguments: list[str]) -> None:
    """One row per number of boxes and way."""
    runs = next((int(word) for word in arguments if word.isdigit()), 15)
    ways = {"glm_magics": ours, "glm_magics, all labels": ours_labels, "supervision": supervision}
    try:
        import supervision as _  # noqa: F401
    except ImportError:
        print("supervision: not installed")
        del ways["supervision"]
    image = scene()
    print(f"{'boxes':>5} {'way':24} {'median ms':>9} {'worst ms':>9}")
    for count in COUNTS:
        boxes = some_boxes(count)
        spent: dict[str, list[float]] = {way: [] for way in ways}
        acts = {way: make(image, boxes) for way, make in ways.items()}
        for turn in range(runs + 1):
            for way, act in acts.items():
                start = time.process_time()
                act()
                if turn:  # the first run draws the letters
                    spent[way].append((time.process_time() - start) * 1000)
        for way, times in spent.items():
            print(f"{count:5} {way:24} {statistics.median(times):9.1f} {max(times):9.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
