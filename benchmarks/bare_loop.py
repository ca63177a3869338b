"""The loop that a campaign is measured against: the same scripts on the same target, one process, nothing else.

Reads JSON {"cases": [{"text", "compile", "training", "calls"}]} from the file named on the command line; prints JSON
{"cpu", "startup", "failed"}.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings


def cpu() -> float:
    """User and system seconds of this process and the children it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """Run every case once."""
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    os.environ.setdefault("TORCHINDUCTOR_FX_GRAPH_CACHE", "0")
    os.environ.setdefault("TORCHINDUCTOR_AUTOGRAD_CACHE", "0")
    import torch
    import torch._dynamo
    import torch._functorch.config
    import torch._inductor.config
    from torch.utils._pytree import tree_leaves

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with open(sys.argv[1]) as file:
        cases = json.load(file)["cases"]
    configs = (torch._dynamo.config, torch._functorch.config, torch._inductor.config)
    saved = [config.save_config() for config in configs]
    # The same start as a worker's: everything imported, one compile done.
    torch.compile(lambda x: torch.relu(x) + 1, backend=sys.argv[2])(torch.ones(3))
    torch._dynamo.reset()
    startup = cpu()
    failed = 0
    for case in cases:
        module = {"__name__": "case"}
        exec(compile(case["text"], "case.py", "exec"), module)
        tools = {"__name__": "tools"}
        exec(compile(case["compile"], "tools.py", "exec"), tools)
        first = (module["state"](),) if "state" in module else ()
        try:
            compiled = tools["compile_program"](module["program"])
            for call in range(case["calls"]):
                arguments = module["inputs"](call)
                with torch.set_grad_enabled(case["training"]):
                    outputs = compiled(*first, *arguments)
                if case["training"]:
                    leaves = [t for t in tree_leaves(outputs) if isinstance(t, torch.Tensor) and t.requires_grad]
                    if leaves:
                        torch.autograd.backward(leaves, [torch.ones_like(t) for t in leaves])
        except Exception:  # findings end a case here as in a campaign
            failed += 1
        torch._dynamo.reset()
        for config, state in zip(configs, saved, strict=True):
            config.load_config(state)
    print(json.dumps({"cpu": cpu() - startup, "startup": startup, "failed": failed}))


if __name__ == "__main__":
    main()
