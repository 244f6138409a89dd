"""Python objects to message parts: figures, frames, pictures, files, … each by the loader of its type."""

from .dispatch import to_parts as to_parts
from .loading import Fetcher as Fetcher
from .loading import Loading as Loading
from .memo import Memo as Memo
from .registry import register as register
from .words import ATTACHMENTS as ATTACHMENTS
from .words import find_word as find_word
from .words import named_pictures as named_pictures
