"""Runs the benchmarks one after the other: `make bench`, or `make bench ARGS="predict ingest"` for some of them."""

import subprocess
import sys
from typing import Final

BENCHMARKS: Final = (
    "predict",
    "histories",
    "scaling",
    "swap",
    "footprint",
    "ingest",
    "latency",
    "training",
    "forecast",
)


def main() -> int:
    """Run each benchmark in a process of its own; return 0 if all met their targets."""
    chosen = sys.argv[1:] or BENCHMARKS
    unknown = set(chosen) - set(BENCHMARKS)
    if unknown:
        sys.stderr.write(f"benchmarks: no such benchmark: {', '.join(sorted(unknown))}; there are {BENCHMARKS}\n")
        return 2
    failed = [
        name for name in chosen if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    ]
    for name in failed:
        sys.stderr.write(f"benchmarks: {name} missed a target or failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
