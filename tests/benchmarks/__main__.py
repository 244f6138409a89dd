"""``python -m tests.benchmarks [name [arguments]]``: one benchmark, or all; each prints its rows beside the alternative's."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    *("load", "client", "iopub", "interrupt", "lab", "install", "frames", "photos", "boxes", "grounding", "widget"),
    *("realtime", "talk", "chats", "embed", "atlas", "jobs", "replay"),
)


def main(arguments: list[str]) -> None:
    names = arguments[:1] or list(NAMES)
    for name in names:
        if name not in NAMES:
            sys.exit(f"There is no benchmark {name}; there are {', '.join(NAMES)}.")
        print(f"== {name}", flush=True)
        import_module(f"tests.benchmarks.bench_{name}").main(arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
