"""Pictures made fit to send: upright, 8-bit RGB, within the vendor's limits; damage and size are found here."""

from .colours import find_orientation as find_orientation
from .colours import to_rgb as to_rgb
from .decoding import MAX_PIXELS as MAX_PIXELS
from .decoding import looks_like_picture as looks_like_picture
from .decoding import named as named
from .encoding import MAX_IMAGE_BYTES as MAX_IMAGE_BYTES
from .encoding import MAX_IMAGE_SIDE_PX as MAX_IMAGE_SIDE_PX
from .encoding import encode_image as encode_image
from .encoding import encode_picture as encode_picture
from .encoding import load_frames as load_frames
from .encoding import load_picture as load_picture
from .encoding import thumbnail_png as thumbnail_png
