"""`python -m benchmarks.mutants.witnesses TARGET NAME...`: a JSON line a witness, {"name", "target", "differences"}.

Meant for a fresh interpreter, with or without the import hook.
"""

import json
import os
import sys
import tempfile

from benchmarks.mutants.witnesses import find, observe


def main(target: str, names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        observe.prepare_environment(os.environ.get("TORCHINDUCTOR_CACHE_DIR", folder))
        import torch

        torch.set_num_threads(1)
        for name in names:
            found = sorted(observe.differences(find(name), target))
            print(json.dumps({"name": name, "target": target, "differences": found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
