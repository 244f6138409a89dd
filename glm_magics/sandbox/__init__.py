"""The embedded sandbox: a server on loopback that speaks the vendor's chat protocol, with no language model behind it.

::

    from glm_magics.sandbox import Sandbox

    with Sandbox() as sandbox:
        client = ZaiClient(base_url=sandbox.base_url, api_key=sandbox.key)
        sandbox.reply("Hello!", thinking="A greeting.")     # the next answer, word for word
        sandbox.fault("429/1302", times=2)                  # the next two requests fail
        ...
        sandbox.requests[-1].body                           # what arrived

A reply that was not scripted is composed: it says that this is a sandbox, and what it measured in what it received.

The rooms: `server` (the thread) → `app` (the routes) → `auth`, `checks`, `prompts` (what is acceptable) → `compose`
(what is said; `facts`, `pictures`, `vision`, `tools` do the work) → `stream` (how it is written) → `delivery` (how it is sent).
Vectors have a way of their own: `app` → `embeddings` (what is acceptable, and the answer) → `lexical` (the vectors).
"""

from __future__ import annotations

from glm_magics.sandbox.script import Record
from glm_magics.sandbox.server import Sandbox

__all__ = ["Record", "Sandbox"]
