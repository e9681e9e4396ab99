"""`make benchmark`: every benchmark, one after the other."""

from __future__ import annotations

import runpy
from pathlib import Path

SHARED = {"bare_app", "deploy_images", "deploy_ways", "pty_harness"}
"""What benchmarks share, none itself."""

for module in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    if module.stem in SHARED:
        continue
    print(f"\n== {module.stem}")
    runpy.run_module(f"benchmarks.{module.stem}", run_name="__main__")
