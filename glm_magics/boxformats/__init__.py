"""Boxes carried to other formats and back: pure conversions between shapes and text, dictionaries or tables.

Everywhere boxes are cut to their picture first, and what has no area is left out. Shapes of several pictures go together;
a picture is told by its file name, `image-1.png` and so on when none is given.
"""

from .coco import from_coco, to_coco
from .detections import from_supervision, to_supervision
from .glmjson import from_glm_json, to_glm_json
from .naming import Sizes, reading, size_of
from .rows import COLUMNS, from_csv, from_frame, to_csv, to_frame
from .voc import from_voc, to_voc
from .yolo import from_yolo, to_yolo

__all__ = [
    "COLUMNS",
    "Sizes",
    "from_coco",
    "from_csv",
    "from_frame",
    "from_glm_json",
    "from_supervision",
    "from_voc",
    "from_yolo",
    "reading",
    "size_of",
    "to_coco",
    "to_csv",
    "to_frame",
    "to_glm_json",
    "to_supervision",
    "to_voc",
    "to_yolo",
]
