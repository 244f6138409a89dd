"""The sandbox as a program: ``glm-magics sandbox --port 8123``."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence

from glm_magics.errors import GLMError
from glm_magics.sandbox.server import Sandbox


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; prints where, and with which key. Returns the exit status."""
    options = _parser().parse_args(argv)
    sandbox = Sandbox(options.port, key=options.key, chunk_delay_s=options.delay, concurrency=options.concurrency)
    try:
        sandbox.start()
    except GLMError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        print(f"GLM sandbox, no language model behind it: {sandbox.base_url}")
        print(f"key: {sandbox.key}   (any id.secret will do)   Ctrl-C stops it.", flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    finally:
        sandbox.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="glm-magics sandbox", description="A GLM server for trying things out, offline.")
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; 0 takes a free port")
    parser.add_argument("--key", default="sandbox.key", help="the sandbox's own key, id.secret")
    parser.add_argument("--delay", type=float, default=0.015, help="seconds per streamed word")
    parser.add_argument("--concurrency", type=int, default=None, help="requests in flight per model before 429/1302")
    return parser


if __name__ == "__main__":
    sys.exit(main())
