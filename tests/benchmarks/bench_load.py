"""What ``%load_ext glm_magics`` costs over a bare IPython: CPU seconds and modules, beside importing the vendor's SDK.

``python -m tests.benchmarks load [runs]``. Each run is a fresh process; runs are interleaved.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

_PROGRAM = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
modules, cpu = len(sys.modules), time.process_time()
{action}
spent, new = time.process_time() - cpu, len(sys.modules) - modules
print(json.dumps([spent, new, sorted(set(sys.modules) & {{'httpx', 'PIL', 'numpy', 'pandas'}})]))
"""
ACTIONS = {
    "load_ext glm_magics": "shell.run_line_magic('load_ext', 'glm_magics')",
    "import glm_magics": "import glm_magics",
    "import httpx": "import httpx",
    "import zai": "import zai",
    "import openai": "import openai",
}


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else 7
    results: dict[str, list[tuple[float, int, list[str]]]] = {name: [] for name in ACTIONS}
    for _ in range(runs):
        for name, action in ACTIONS.items():
            command = [sys.executable, "-W", "ignore", "-c", _PROGRAM.format(action=action)]
            results[name].append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    for name, rows in results.items():
        cpu_s = statistics.median(row[0] for row in rows)
        print(f"{name:22} {cpu_s:6.3f} s CPU  {rows[0][1]:5} new modules  heavy ones loaded: {', '.join(rows[0][2]) or 'none'}")


if __name__ == "__main__":
    main(sys.argv[1:])
