"""What the replay of a notebook takes beyond the start of its kernel: fifty cells from a file of fifty recordings.

``python -m tests.benchmarks replay [cells]``. The alternative in the same run: as many cells that print.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

_WORDS = 200


def main(arguments: list[str]) -> None:
    n = int(arguments[0]) if arguments else 50
    asked = [f"%%glm\n[[words:{_WORDS}]] question {number}" for number in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"GLM_SANDBOX_DELAY_S": "0", "IPYTHONDIR": f"{folder}/.ipython"}
        _run(folder, ["%load_ext glm_magics", "%glm_connect sandbox", "%glm_replay record", *asked])
        size = (Path(folder) / "glm-replay.jsonl").stat().st_size
        empty_s = _run(folder, ["pass"])
        printed_s = _run(folder, ["pass", *(f"print({'word ' * _WORDS!r})" for _ in range(n))])
        replayed_s = _run(folder, ["%load_ext glm_magics", "%glm_connect sandbox", "%glm_replay replay", *asked])
    print(f"a kernel and one empty cell   {empty_s:6.2f} s")
    print(f"{n} cells that print           {printed_s:6.2f} s, {printed_s - empty_s:.2f} s beyond")
    print(
        f"{n} cells replayed             {replayed_s:6.2f} s, {replayed_s - empty_s:.2f} s beyond; the file has {size // 1000} kB"
    )


def _run(folder: str, sources: list[str]) -> float:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    started_s = time.perf_counter()
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": folder}}).execute()
    return time.perf_counter() - started_s


if __name__ == "__main__":
    main([])
