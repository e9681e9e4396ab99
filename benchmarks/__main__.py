"""`make benchmark`: every benchmark, one after the other."""

from __future__ import annotations

import runpy
from pathlib import Path

for module in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    print(f"\n== {module.stem}")
    runpy.run_module(f"benchmarks.{module.stem}", run_name="__main__")
