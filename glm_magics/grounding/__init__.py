"""Reading the boxes out of a GLM answer: JSON, calls of agents, tags, the vendor's box tokens, and plain sentences.

`cleaning` leaves what counts, every character in its place; `trees` finds brackets and strings; `keyed`, `tags`, `bare` and
`sentences` find places, each in its kind of text; `reading` brings them to one scale and gives each once. Nothing is evaluated.

A shape's ``image`` counts from 0: ``<image_ref>[2, …]`` is 1. In a video's answer ``{"0": […], "1": […]}`` the keys are seconds
or frames from 0, and a shape's ``image`` is its key: no two frames are drawn on one picture.
"""

from __future__ import annotations

from .reading import read_boxes
from .values import Reading, Unread

__all__ = ["Reading", "Unread", "read_boxes"]
