"""``python -m tests.benchmarks [names [arguments]]``: these benchmarks, or all; each prints its rows beside the alternative's."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import takewhile

NAMES = (
    *("load", "client", "iopub", "interrupt", "lab", "install", "frames", "photos", "boxes", "grounding", "widget"),
    *("realtime", "talk", "chats", "embed", "atlas", "jobs", "replay"),
)


def main(arguments: list[str]) -> None:
    names = list(takewhile(NAMES.__contains__, arguments))
    if arguments and not names:
        sys.exit(f"There is no benchmark {arguments[0]}; there are {', '.join(NAMES)}.")
    for name in names or NAMES:
        print(f"== {name}", flush=True)
        import_module(f"tests.benchmarks.bench_{name}").main(arguments[len(names) :])


if __name__ == "__main__":
    main(sys.argv[1:])
