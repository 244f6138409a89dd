"""Python objects to message parts: one row per type, matched by its name so that no library is imported to ask.

Adding an input kind is one loader and one row in `LOADERS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import InputError, MediaError
from .messages import ImagePart, Part, TextPart

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_IMAGE_BYTES = 5_000_000
MAX_IMAGE_SIDE_PX = 6000
"""The vendor's limits for one picture (chat reference): 5 MB, 6000 × 6000."""

MAX_PIXELS = 150_000_000
"""More than this is refused unread: a small file can unpack to far more than the memory there is."""

_IMAGE_URL = re.compile(r"https?://\S+\.(?:png|jpe?g|webp)(?:[?#]\S*)?", re.IGNORECASE)
_ANY_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Loading:
    """How to load: `label` names the value for people, `frames` says how tables are sent."""

    label: str = ""
    frames: Literal["image", "text"] = "image"


Loader = Callable[[Any, Loading], Iterable[Part]]


def to_parts(value: object, loading: Loading | None = None) -> list[Part]:
    """The parts that stand for `value` in a message.

    Text and numbers become text; figures, pictures, arrays, image bytes, paths and image URLs become pictures; frames what
    `loading.frames` says; a list with such a value in it becomes the parts of its items; everything else its ``str``.

    Raises:
        MediaError: a picture that cannot be read, a path that does not exist, a figure without anything in it, …
    """
    loading = loading or Loading()
    for name in _type_names(type(value)):
        if name in LOADERS:
            return list(LOADERS[name](value, loading))
    try:
        return [TextPart(str(value))]
    except Exception as error:  # a __str__ of the user's own may raise anything
        raise MediaError(f"{_named(loading)} cannot be written as text: {error}.") from error


def image_parts(value: object, label: str = "") -> list[ImagePart]:
    """The pictures for ``--image``: as `to_parts`, but a string is always a path or a URL, and text is refused.

    Raises:
        MediaError: there is no picture in it.
    """
    if isinstance(value, str):
        value = value if _ANY_URL.fullmatch(value) else Path(value)
        if isinstance(value, str):
            return [ImagePart(url=value, label=label or "link")]
    parts = to_parts(value, Loading(label=label))
    images = [part for part in parts if isinstance(part, ImagePart)]
    if len(images) != len(parts) or not images:
        raise MediaError(f"`{label}` is no picture ({type(value).__name__}).", "Give a figure, picture, array, frame, path or URL.")
    return images


def _type_names(cls: type) -> Iterable[str]:
    """``module.Name`` of the class and its bases; the module is cut to its top package and to its full name."""
    for base in cls.__mro__[:-1]:
        yield f"{base.__module__}.{base.__qualname__}"
        yield f"{base.__module__.partition('.')[0]}.{base.__qualname__}"


def _named(loading: Loading) -> str:
    return f"`{loading.label}`" if loading.label else "A value"


def _load_text(value: str, loading: Loading) -> Iterable[Part]:
    url = value.strip()
    if _IMAGE_URL.fullmatch(url):
        return [ImagePart(url=url, label=loading.label or "link")]
    return [TextPart(value)]


def _load_path(path: Path, loading: Loading) -> Iterable[Part]:
    label = loading.label or path.name
    try:
        path = path.expanduser()
        if path.is_dir():
            raise MediaError(f"`{label}` is a folder.", "Give a picture in it.")
        if path.exists() and not path.is_file():
            raise MediaError(f"`{label}` is no ordinary file.", "Give a png, jpg or webp.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise MediaError(f"There is no file `{label}` here.", "Look at the spelling and at the working folder.") from None
    except OSError as error:
        raise MediaError(f"`{label}` cannot be read: {error.strerror or 'unknown reason'}.", "Look at its permissions.") from error
    if path.suffix.lower() not in _SUFFIXES and not _looks_like_image(data):
        raise MediaError(f"`{label}` is no picture that can be sent.", "Give a png, jpg or webp.")
    return _load_bytes(data, Loading(label, loading.frames))


def _looks_like_image(data: bytes) -> bool:
    return data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")) or data[8:12] == b"WEBP"


def _load_bytes(data: bytes, loading: Loading) -> Iterable[Part]:
    if not _looks_like_image(data):
        raise MediaError(f"{_named(loading)} holds bytes that are no picture.", "Bytes of a png, jpg or webp can be sent.")
    image = _open_image(data, loading)
    if image.format in ("PNG", "JPEG") and _is_sendable_as_is(image, data):
        return [ImagePart(data, f"image/{image.format.lower()}", *image.size, label=loading.label or "picture")]
    return _load_image(image, loading)


def _open_image(data: bytes, loading: Loading) -> Image:
    import warnings

    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is stated below
            image = Image.open(BytesIO(data))
            _check_size(image, loading)
            image.load()
    except Image.DecompressionBombError:
        raise MediaError(f"{_named(loading)} would unpack to a huge picture.", "Make it smaller first.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        reason = "cut off" if "truncated" in str(error) else "damaged or of an unknown kind"
        raise MediaError(f"{_named(loading)} is no readable picture: {reason}.", "Save it again as png or jpg.") from error
    return image


def _check_size(image: Image, loading: Loading) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(
            f"{_named(loading)} has {image.width} × {image.height} pixels; {MAX_PIXELS // 1_000_000} million are the limit.",
            "Make it smaller first, e.g. with image.reduce(4).",
        )


def _is_sendable_as_is(image: Image, data: bytes) -> bool:
    """True for what needs no repainting: upright, plain RGB or grey, one frame, within the limits."""
    is_upright = image.getexif().get(0x0112, 1) == 1
    is_small = len(data) <= MAX_IMAGE_BYTES and max(image.size) <= MAX_IMAGE_SIDE_PX
    is_plain = image.mode in ("RGB", "L") and "transparency" not in image.info
    return is_upright and is_small and is_plain and getattr(image, "n_frames", 1) == 1


def _load_image(image: Image, loading: Loading) -> Iterable[Part]:
    _check_size(image, loading)
    if not image.width or not image.height:
        raise MediaError(f"{_named(loading)} is a picture without any pixels.", "Look at how it was made.")
    data, mime, size = encode_image(to_rgb(image))
    return [ImagePart(data, mime, *size, label=loading.label or "picture")]


def to_rgb(image: Image) -> Image:
    """The picture as a person sees it: upright (EXIF), first frame, 8-bit RGB, transparency on white."""
    from PIL import Image as images
    from PIL import ImageOps

    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _stretch_grey(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        white = images.new("RGBA", with_alpha.size, "white")
        return images.alpha_composite(white, with_alpha).convert("RGB")
    return image.convert("RGB")


def _stretch_grey(image: Image) -> Image:
    """16-bit and float greys to 8 bits by their own range: clipping would make most scans white."""
    import numpy as np
    from PIL import Image as images

    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255.0 / (high - low) if high > low else 0.0)
    return images.fromarray(scaled.round().astype(np.uint8)).convert("RGB")


def encode_image(image: Image) -> tuple[bytes, str, tuple[int, int]]:
    """``(bytes, mime, (width_px, height_px))`` within the vendor's limits; PNG while it fits, else JPEG, else smaller."""
    if max(image.size) > MAX_IMAGE_SIDE_PX:
        image = image.copy()
        image.thumbnail((MAX_IMAGE_SIDE_PX, MAX_IMAGE_SIDE_PX))
    if image.width * image.height <= 4_000_000:  # a larger PNG would not fit but for rare pictures, and takes seconds
        data = _save(image, "PNG", compress_level=6)
        if len(data) <= 1_000_000:
            return data, "image/png", image.size
    while True:
        data = _save(image, "JPEG", quality=92)
        if len(data) <= MAX_IMAGE_BYTES:
            return data, "image/jpeg", image.size
        image = image.resize((max(1, int(image.width * 0.8)), max(1, int(image.height * 0.8))))


def _save(image: Image, format: str, **settings: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **settings)
    return buffer.getvalue()


def thumbnail_png(part: ImagePart, side_px: int = 256) -> bytes:
    """A small PNG of a picture that is to be sent, for ``--dry-run``."""
    from PIL import Image

    image = Image.open(BytesIO(part.data)).convert("RGB")
    image.thumbnail((side_px, side_px))
    return _save(image, "PNG")


def _load_figure(figure: Any, loading: Loading) -> Iterable[Part]:
    """The figure as it is printed: tight, opaque, 150 dpi; neither closed nor altered."""
    buffer = BytesIO()
    try:
        figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight", facecolor=_opaque(figure))
    except Exception as error:  # drawing runs the user's own artists and formatters
        raise MediaError(f"{_named(loading)} cannot be drawn: {error}.", "Does fig.savefig work on it?") from error
    return _load_bytes(buffer.getvalue(), Loading(loading.label or "figure"))


def _opaque(figure: Any) -> Any:
    color = figure.get_facecolor()
    return color if color[3] == 1 else "white"


def _load_axes(axes: Any, loading: Loading) -> Iterable[Part]:
    figure = axes.get_figure()
    if figure is None:
        raise MediaError(f"{_named(loading)} belongs to no figure any more.", "Draw it again.")
    return _load_figure(figure, loading)


def _load_array(array: Any, loading: Loading) -> Iterable[Part]:
    """HW, HW×1, HW×3 and HW×4 number arrays as pictures; other arrays as text."""
    import numpy as np
    from PIL import Image

    if array.dtype == object and array.size and all(_is_rich(item) for item in array.flat):
        return _load_items(list(array.flat), loading)
    is_grey = array.ndim == 2 and min(array.shape) >= 8
    is_color = array.ndim == 3 and array.shape[2] in (1, 3, 4)
    if not (is_grey or is_color) or array.dtype.kind not in "buif":
        return [TextPart(np.array2string(array, threshold=200))]
    pixels = np.nan_to_num(array[:, :, 0] if is_color and array.shape[2] == 1 else array)
    if pixels.dtype.kind in "bf" and pixels.size and 0 <= pixels.min() and pixels.max() <= 1:
        pixels = pixels * 255.0
    if pixels.dtype.kind in "uif" and pixels.size and (pixels.min() < 0 or pixels.max() > 255):
        raise MediaError(
            f"{_named(loading)} holds numbers from {pixels.min():g} to {pixels.max():g}; a picture has 0 to 255, or 0 to 1.",
            "Scale it, or draw it with matplotlib's imshow and send the figure.",
        )
    return _load_image(Image.fromarray(np.ascontiguousarray(pixels.round().astype(np.uint8))), loading)


def _load_frame(frame: Any, loading: Loading) -> Iterable[Part]:
    from . import frames

    if loading.frames == "text" or not frames.can_draw(frame):
        return [TextPart(frames.to_text(frame))]
    return _load_image(frames.draw(frame), Loading(loading.label or "frame"))


def _load_items(items: Any, loading: Loading) -> Iterable[Part]:
    """A list of pictures, figures, … is sent one by one; any other list is text."""
    if not items or not any(_is_rich(item) for item in items):
        return [TextPart(str(items))]
    label = loading.label or "item"
    return [part for i, item in enumerate(items) for part in to_parts(item, Loading(f"{label}[{i}]", loading.frames))]


def _is_rich(value: object) -> bool:
    return any(name in LOADERS and name not in _PLAIN for name in _type_names(type(value)))


LOADERS: Mapping[str, Loader] = {
    "builtins.str": _load_text,
    "builtins.bytes": _load_bytes,
    "builtins.bytearray": lambda value, loading: _load_bytes(bytes(value), loading),
    "builtins.list": _load_items,
    "builtins.tuple": _load_items,
    "pathlib.PurePath": lambda value, loading: _load_path(Path(value), loading),
    "PIL.Image": _load_image,
    "matplotlib.figure.FigureBase": _load_figure,
    "matplotlib.axes._base._AxesBase": _load_axes,
    "numpy.ndarray": _load_array,
    "pandas.DataFrame": _load_frame,
    "pandas.Series": lambda value, loading: _load_frame(value.to_frame(), loading),
}
_PLAIN = frozenset({"builtins.str", "builtins.list", "builtins.tuple"})


def load_expression_image(token: str, evaluate: Callable[[str], object], defined: Callable[[str], bool]) -> list[ImagePart]:
    """The pictures for one ``--image`` word: a URL, else an expression whose first name exists, else a file.

    Raises:
        InputError: it is none of the three, or holds no picture.
    """
    if _ANY_URL.fullmatch(token):
        return image_parts(token)
    first_name = re.match(r"[^\W\d]\w*", token)
    if first_name and defined(first_name[0]):
        return image_parts(evaluate(token), label=token)
    if Path(token).expanduser().exists():
        return image_parts(Path(token), label=Path(token).name)
    raise InputError(f"`{token}` is neither a name in this notebook nor a file.", "Give a variable, a path or a URL after --image.")
