"""How much of what the installed Dynamo models of Python the source ``python`` exercises.

    python -m benchmarks.python_coverage --cases 2000

Cases are made and not run. A name counts where a case calls it with operands that CPython accepts, or through a feature
that says so. Prints JSON: the names that Dynamo models, how many are exercised, and those that never are.
"""

from __future__ import annotations

import argparse
import json
import sys

from assay.generate.python.modelled import modelled
from assay.generate.python.source import make_python_case
from assay.generate.settings import Settings

BOUND = 0.8


def main() -> int:
    """Make the cases, count, print; exit 1 below the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", default=sys.executable, help="the interpreter whose torch is asked")
    arguments = parser.parse_args()
    known = modelled(arguments.python)
    target = "torch:eager" if arguments.python == sys.executable else f"torch:eager@{arguments.python}"
    settings = Settings(arguments.seed, (), None, (target,))
    exercised: set[str] = set()
    for index in range(arguments.cases):
        exercised |= set(make_python_case(settings, index).operators)
    names = set(known.names)
    share = len(names & exercised) / len(names)
    found = {
        "torch": known.version,
        "cases": arguments.cases,
        "modelled": len(names),
        "exercised": len(names & exercised),
        "share": round(share, 3),
        "never": sorted(names - exercised),
    }
    print(json.dumps(found, indent=1))
    return 0 if share >= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
