"""How many packages the default install adds to ipykernel + ipywidgets.

``python -m tests.benchmarks install``: two fresh virtual environments, compared by name.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def packages(folder: Path, *wanted: str) -> set[str]:
    """The names in a fresh environment with `wanted` installed."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted], check=True)
    listed = subprocess.run([str(python), "-m", "pip", "list", "--format=json"], capture_output=True, check=True)
    return {row["name"].lower().replace("_", "-") for row in json.loads(listed.stdout)}


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = packages(Path(name) / "base", "ipykernel", "ipywidgets")
        ours = packages(Path(name) / "ours", "ipykernel", "ipywidgets", str(ROOT))
    added = sorted(ours - base - {"glm-magics"})
    print(f"{len(added)} packages beyond ipykernel + ipywidgets: {', '.join(added)}")


if __name__ == "__main__":
    main(sys.argv[1:])
