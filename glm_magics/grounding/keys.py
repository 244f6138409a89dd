"""The names under which models write places, as rows: keys of JSON and calls, tags, columns of a table."""

from __future__ import annotations

import re
from functools import lru_cache

from .values import Meaning

_NOT_NAME = re.compile(r"[^0-9a-z\u4e00-\u9fff]+")


@lru_cache(maxsize=1024)
def plain_key(key: str) -> str:
    """A key without case and punctuation: ``Bounding-Box`` and ``bounding_box`` are one."""
    return _NOT_NAME.sub("", key.lower())


def _keys(words: str) -> frozenset[str]:
    return frozenset(words.split())


BOX_KEYS = _keys(
    "bbox bboxes bbox2d bboxes2d box box2d boxes boxes2d boundingbox boundingboxes boundingbox2d boundingboxes2d bndbox bndboxes "
    "bboxcoordinates boxcoordinates boundingboxcoordinates bboxcoords boxcoords bboxnorm bboxnormalized normalizedbbox "
    "normalizedbox xyxy boxxyxy bboxxyxy xyxybox detbox detectionbox rect rectangle 边界框 包围框 检测框 矩形框 矩形 框 目标框 "
    "边框 外接框 边界框坐标 框坐标 bboxlist boxlist quad"
)
PLACE_KEYS = _keys(
    "coordinates coordinate coords coord location locations position positions region regions area areas startbox endbox "
    "element roi loc bounds place target grounding 坐标 位置 区域 坐标位置 位置坐标 坐标框 定位 目标位置"
)
"""These hold boxes or points; the count of numbers says which. GLM's desktop agent calls points ``start_box`` (its examples)."""

POINT_KEYS = _keys(
    "point points point2d points2d keypoint keypoints clickpoint center centre centerpoint centroid click tap xy pointxy "
    "clickcoordinate clickposition centercoordinates 点 点坐标 坐标点 中心点 中心 中心坐标 中心点坐标 点击位置 点击坐标 点击点"
)
DRAG_KEYS = _keys("start end from to startpoint endpoint startcoordinate endcoordinate startposition endposition")
"""Points in calls only: elsewhere they are times and pages as often."""

SOLID_KEYS = _keys("bbox3d box3d bboxes3d boxes3d boundingbox3d 3dbbox 3dbox cuboid")
POLYGON_KEYS = _keys("polygon polygons segmentation contour outline vertices 多边形 轮廓")

LABEL_KEYS = (
    "label", "name", "class", "category", "object", "classname", "labelname", "objectname", "elementinfo", "标签", "名称", "类别",
    "物体", "对象", "目标", "名字", "类别名称", "title", "caption", "description", "desc", "item", "element", "target", "entity",
    "phrase", "text", "textcontent", "描述", "文本", "文字", "内容", "类型", "type",
)  # fmt: skip
"""The first that holds a word is the label."""

CALL_LABEL_KEYS = ("elementinfo", "label", "name", "elementdescription", "target")
TYPED_KEYS = _keys("text content type description desc 内容 文本 文字 item title 描述 类型")
"""What an agent is to type or say; no name of a place."""

ACTION_LABEL_KEYS = tuple(key for key in LABEL_KEYS if key not in TYPED_KEYS)

ACTION_KEYS = _keys("action actiontype nextaction operation actionname 动作 操作")
ARGUMENT_KEYS = _keys("arguments args parameters params")
"""A tool's name beside them is no label."""

LABEL_LIST_KEYS = _keys("labels names classes categories objects bboxeslabels 标签")
STRING_KEYS = _keys("answer response finalanswer output result results reply arguments 答案 回答 结果 最终答案")
"""Strings under these are looked into for an answer of their own."""

GENERIC_KEYS = _keys(
    "objects object detections detection results result data annotations annotation items item boxes instances "
    "predictions output answer response elements regions list shapes locations coordinates image args arguments "
    "parameters params entities targets 结果 数据 检测结果 目标 物体 对象"
)
"""Keys that name no thing, so that they are no labels."""

CLICKS = _keys(
    "click leftclick rightclick middleclick doubleclick leftdoubleclick leftsingle rightsingle tap longpress longclick press "
    "hover scroll scrollup scrolldown scrollleft scrollright drag leftdrag swipe moveto mousemove touch select type input do "
    "doubletap quotetext 点击 双击 长按"
)
"""Names of calls whose two numbers are a point (source: action spaces of CogAgent, GLM-4.5V and AutoGLM)."""

AXES = _keys("x y z t")
"""Lists under these are the data of a chart."""

GEOGRAPHIC = _keys("lat lon lng latitude longitude geometry crs srid 经度 纬度")

CORNERS = (
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x0", "y0", "x1", "y1"),
    ("left", "top", "right", "bottom"),
    ("minx", "miny", "maxx", "maxy"),
    ("xtl", "ytl", "xbr", "ybr"),
    ("topleftx", "toplefty", "bottomrightx", "bottomrighty"),
    ("xtopleft", "ytopleft", "xbottomright", "ybottomright"),
    ("左", "上", "右", "下"),
)
SIZES = tuple(
    (*corner, *size)
    for corner in (("x", "y"), ("left", "top"), ("xmin", "ymin"), ("x1", "y1"), ("topleftx", "toplefty"))
    for size in (("width", "height"), ("w", "h"), ("宽", "高"), ("宽度", "高度"))
)
CENTRES = tuple(
    (*corner, *size)
    for corner in (("cx", "cy"), ("xcenter", "ycenter"), ("centerx", "centery"), ("xc", "yc"))
    for size in (("width", "height"), ("w", "h"))
)
NAMED = frozenset(name for row in (*CORNERS, *SIZES, *CENTRES) for name in row)
CORNER_PAIRS = (
    ("topleft", "bottomright"), ("lefttop", "rightbottom"), ("upperleft", "lowerright"), ("左上角", "右下角"), ("左上", "右下"),
    ("topleftcorner", "bottomrightcorner"), ("tl", "br"), ("左上角坐标", "右下角坐标"), ("p1", "p2"), ("min", "max"),
)  # fmt: skip
NAMES = NAMED | {name for pair in CORNER_PAIRS for name in pair}


def box_from_names(values: dict[str, float]) -> tuple[float, float, float, float] | None:
    """``(x1, y1, x2, y2)`` from named numbers in any order: corners, corner and size, or centre and size."""
    row = _row_in(frozenset(values)) if len(values) > 3 else None
    if row is None:
        return None
    x, y, across, down = (values[name] for name in row)
    if row in CORNERS:
        return x, y, across, down
    if row in SIZES:
        return x, y, x + across, y + down
    return x - across / 2, y - down / 2, x + across / 2, y + down / 2


@lru_cache(maxsize=256)
def _row_in(names: frozenset[str]) -> tuple[str, ...] | None:
    """The first row of which all names are there."""
    return next((row for row in (*CORNERS, *SIZES, *CENTRES) if names.issuperset(row)), None)


@lru_cache(maxsize=1024)
def meaning_of(key: str, is_call: bool = False) -> Meaning | None:
    """What a key says of the numbers under it; None when it says nothing."""
    plain = plain_key(key)
    if plain in SOLID_KEYS or plain in POLYGON_KEYS:
        return None
    if plain in BOX_KEYS or any(word in plain for word in ("bbox", "boundingbox", "边界框", "检测框")):
        return Meaning.BOX
    if plain in PLACE_KEYS:
        return Meaning.PLACE
    return Meaning.POINT if plain in POINT_KEYS or (is_call and plain in DRAG_KEYS) else None
