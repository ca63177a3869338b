"""Start of a worker: load the framework and the backends asked for, warm them up, say hello, then serve."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import sys
from typing import Any

from . import PROTOCOL, frames, limits
from .server import Server

PREPARE_SECONDS = 900


def load_backend(stem: str, path: str) -> Any:
    """The backend module in the file ``path``, as ``assay_worker.backend_<stem>``."""
    name = f"{__package__}.backend_{stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module can be loaded from {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def prepare(runtime: Any, targets: dict[str, dict[str, str]]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Load and warm up the backend of each target. What fails is reported in the hello, never raised: it is the
    user's set-up."""
    modules: dict[str, Any] = {}
    report: dict[str, dict[str, Any]] = {}
    for target, where in targets.items():
        try:
            module = load_backend(where["stem"], where["path"])
            details = module.prepare(target) or {}
        except Exception as error:
            missing = isinstance(error, ImportError)
            report[target] = {"available": False, "reason": f"{type(error).__name__}: {error}", "missing": missing}
        else:
            modules[target] = module
            report[target] = {"available": True, "reason": "", **details}
    runtime.modules = modules
    return modules, report


def main(arguments: list[str]) -> int:
    """Serve the orchestrator over the two descriptors that the one argument, a JSON object, names."""
    order = json.loads(arguments[0])
    orchestrator = os.getppid()
    signal.alarm(PREPARE_SECONDS)
    # An interrupt from the terminal is the orchestrator's to handle; it then closes its end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits.limit_files()
    limits.adopt_orphans()
    folder = limits.private_folder()
    os.environ["ASSAY_WORKER_FOLDER"] = folder
    # A process that has run a parallel operation cannot be forked: the child would wait for threads that it does not
    # have.
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    try:
        hello: dict[str, Any] = {
            "op": "hello",
            "protocol": PROTOCOL,
            "framework": order["framework"],
            "python": platform.python_version(),
            "pid": os.getpid(),
            "memory_limit_mb": 0,
        }
        try:
            runtime = importlib.import_module(f".{order['framework']}_runtime", __package__)
            hello.update(runtime.start(folder))
        except ImportError as error:
            reason = {"available": False, "reason": f"ImportError: {error}", "missing": True}
            hello.update(version="", options={}, backends=dict.fromkeys(order["targets"], reason))
            frames.write(order["replies"], frames.encode(hello))
            return 0
        _, hello["backends"] = prepare(runtime, order["targets"])
        runtime.settle()
        hello["threads"] = len(os.listdir("/proc/self/task"))
        signal.alarm(0)
        frames.write(order["replies"], frames.encode(hello))
        Server(order["orders"], order["replies"], runtime, folder, orchestrator).serve()
    except BrokenPipeError:
        return 0
    finally:
        limits.kill_descendants()
        shutil.rmtree(folder, ignore_errors=True)
    return 0
