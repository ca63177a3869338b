"""Executes a case under torch: the program eagerly as the reference, then on the target, and the records of both.

The text is compiled once and executed in a fresh module per execution, so that module-level state of one execution
is not seen by the next.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import linecache
import os
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from . import torch_cxx, torch_shortcuts
from .limits import children, own_cpu
from .records import exception_record, same_records, ship
from .stage import StageBoard
from .torch_merge import MERGER
from .torch_records import MODULE, Recorder, environment, tensor_leaves

FILE = "assay_case.py"
QUESTIONS = ("describe", "graph", "hold", "traced")
"""What is asked of a user's own code in place of a run (`torch_user`)."""

WARM_DERIVATIVES = "ASSAY_WARM_DERIVATIVES"
"""Set where cases will be differentiated: what that loads, once, is loaded before any fork."""

GC_THRESHOLD = 50_000

modules: dict[str, Any] = {}
_baseline: tuple[Any, ...] = ()


def start(folder: str) -> dict[str, Any]:
    """Import torch with the settings that keep this process single-threaded and its caches private. Raises
    ImportError."""
    os.environ.update(
        TORCHINDUCTOR_COMPILE_THREADS="1",
        # What the warm-up compiles is the same for every worker; the cases of a child never see this folder.
        TORCHINDUCTOR_CACHE_DIR=os.path.join(os.path.dirname(folder), "warm"),
        # A cached graph would hide that the compiler under test has changed.
        TORCHINDUCTOR_FX_GRAPH_CACHE="0",
        TORCHINDUCTOR_AUTOGRAD_CACHE="0",
    )
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(1)
    return {"version": torch.__version__, "options": {"threads": 1, "git": str(torch.version.git_version or "")}}


def settle() -> None:
    """Freeze what the warm-up left, once, before any fork: the collector of a child then never touches the pages it
    shares."""
    warnings.simplefilter("ignore")
    for module in _distinct(modules):
        module.reset()
    if os.environ.get(WARM_DERIVATIVES):
        from .torch_derivatives import warm

        warm()
    gc.collect()
    gc.freeze()
    # A compiler makes millions of objects that live for one case; looking for cycles among them was a twentieth of its
    # Python time.
    gc.set_threshold(GC_THRESHOLD, 20, 20)


def in_child(folder: str) -> None:
    """Give a new child a cache folder of its own, which the server removes with it, and note what its cases must not
    change."""
    global _baseline
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(folder, "inductor")
    _baseline = _global_state()


_M_PERTURB = -6
SOIL = 0xA5


@contextlib.contextmanager
def soiled() -> Iterator[None]:
    """Meanwhile what the allocator hands out is filled with a pattern that no other execution saw: eager that reads
    memory which nothing has written then disagrees with itself, instead of finding the same leftovers twice. A setting
    of glibc's; elsewhere nothing happens."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        yield
        return
    mallopt(_M_PERTURB, SOIL ^ 0xFF)
    try:
        yield
    finally:
        mallopt(_M_PERTURB, 0)


def execute(request: dict[str, Any], board: StageBoard) -> tuple[dict[str, Any], list[bytes]]:
    """Run one case; the header and the buffers of its outcome frame."""
    board.set("load")
    # What confirms a finding is compiled exactly as inductor compiles it.
    MERGER.enabled, MERGER.used = request.get("code") != "plain", False
    torch_shortcuts.enable(MERGER.enabled)
    torch_cxx.forbid(request.get("code") == "none")
    begun = own_cpu()
    backend = modules[request["target"]]
    evidence = request.get("evidence", [])
    text = request["text"]
    lines = text.splitlines(True)
    linecache.cache[FILE] = (len(text), None, lines, FILE)
    if "inputs" in evidence:
        return _searched(request), []
    if evidence and evidence[0] in QUESTIONS:
        return _answered(evidence[0], request), []
    if "derivatives" in request:
        return _differentiated(request, board), []
    run = _Run(request)
    mode = None
    if "shadow" in evidence:
        from .torch_shadow import ShadowMode, rules_from

        mode = ShadowMode(rules_from(request["rules"]))
    try:
        board.set("reference")
        before = own_cpu()
        reference = run.execute(lambda program: program, mode)
        reference_cpu = own_cpu() - before
        target, engagement = None, {}
        if mode is not None:
            engagement = {"leaks": mode.leaks, "unstated": sorted(mode.unstated), "failed": sorted(mode.failed)}
        elif run.loaded:
            board.set("target")
            name, options = request["target"], request.get("options", {})
            target = run.execute(lambda program: backend.compile(program, name, options))
            engagement = {**backend.engagement(), "merged": MERGER.used}
        target_cpu = run.measured
        again = None
        asked = "eager_again" in evidence
        if run.loaded and mode is None and (asked or not same_records(reference, target)):
            # Eager costs next to nothing beside a compile, and nothing is told of a difference without it.
            with soiled():
                again = run.execute(lambda program: program)
        board.set("compare")
        buffers = ship(reference, target, again if asked else None, "values" in evidence)
    finally:
        linecache.cache.pop(FILE, None)
        sys.modules.pop(MODULE, None)
        backend.reset()
    changed = _global_state()
    header = {
        "op": "outcome",
        "id": request["id"],
        "ended": "memory" if run.exhausted else "completed",
        "stage": "compare",
        "reference": [call.json for call in reference],
        "target": None if target is None else [call.json for call in target],
        "again": None if again is None else [call.json for call in again],
        "engagement": engagement,
        "retire": changed != _baseline,
    }
    header["cpu"] = {"reference": reference_cpu, "sut": target_cpu, "total": own_cpu() - begun}
    return header, buffers


def _searched(request: dict[str, Any]) -> dict[str, Any]:
    """The header of an outcome frame that tells what a search for inputs found."""
    from .torch_search import search

    begun = own_cpu()
    found = search(request["text"], request)
    return _without_a_run(request, found, own_cpu() - begun)


def _answered(question: str, request: dict[str, Any]) -> dict[str, Any]:
    """The header of an outcome frame that answers a question about a user's code."""
    from .torch_user import answer

    begun = own_cpu()
    _seed()
    _plain_modes()
    try:
        found = answer(question, request)
    finally:
        linecache.cache.pop(FILE, None)
        sys.modules.pop(MODULE, None)
    return _without_a_run(request, found, own_cpu() - begun)


def _differentiated(request: dict[str, Any], board: StageBoard) -> dict[str, Any]:
    """The header of an outcome frame with the derivatives of the case's program, in every way that torch has."""
    from .derivatives import asked_beyond
    from .torch_derivatives import answer

    begun = own_cpu()
    _seed()
    _plain_modes()
    board.set("target")
    try:
        found = answer(request, board.note, asked_beyond(request))
    finally:
        linecache.cache.pop(FILE, None)
        sys.modules.pop(MODULE, None)
    spent = own_cpu() - begun
    header = _without_a_run(request, {"engaged": bool(found.get("quantities"))}, spent)
    header.update(derivatives=found, ended="memory" if found.get("exhausted") else "completed", stage="target")
    header["cpu"] = {"reference": 0.0, "sut": spent, "total": spent}
    return header


def _without_a_run(request: dict[str, Any], found: dict[str, Any], spent: float) -> dict[str, Any]:
    return {
        "op": "outcome",
        "id": request["id"],
        "ended": "completed",
        "stage": "reference",
        "reference": [],
        "target": None,
        "again": None,
        "engagement": found,
        "retire": _global_state() != _baseline,
        "cpu": {"reference": spent, "sut": 0.0, "total": spent},
    }


class _Run:
    """The executions of one case, and what they have in common."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.training = bool(request["training"])
        self.code: types.CodeType | None = None
        self.loaded = False
        self.exhausted = False
        self.measured = 0.0

    def execute(self, prepare: Callable[[Any], Any], mode: Any = None) -> list[Any]:
        """One execution of all the calls: fresh module, inputs and state. ``measured`` is the CPU of preparing and
        calling the program. With a ``mode`` of shadows, forward and backward run under it: what is given is exact."""
        import torch

        self.measured = 0.0
        _seed()
        calls: list[Any] = []
        recorder = Recorder(None if mode is None else mode.shadows)
        nothing = contextlib.nullcontext()
        watched = nothing if mode is None else mode
        warned = Warned() if "warnings." in self.request["text"] else nothing
        _plain_modes()
        try:
            if self.code is None:
                self.code = compile(self.request["text"], FILE, "exec", dont_inherit=True)
            module = types.ModuleType(MODULE)
            module.__file__ = FILE
            sys.modules[MODULE] = module
            exec(self.code, module.__dict__)
            state = module.state() if hasattr(module, "state") else None
        except BaseException as error:
            calls.append(recorder.failed(self._exception(error), "load"))
            return calls
        function = None
        for number in range(int(self.request["calls"])):
            try:
                if hasattr(module, "between"):
                    module.between(number) if state is None else module.between(number, state)
                context = module.around(number) if hasattr(module, "around") else contextlib.nullcontext()
                arguments = module.inputs(number)
            except BaseException as error:
                calls.append(recorder.failed(self._exception(error), "inputs"))
                return calls
            self.loaded = True
            _seed()
            wanted = [a for a in tensor_leaves(arguments) if a[1].requires_grad] if self.training else []
            stage, outputs, failure, grad_enabled = "forward", None, None, ""
            began = own_cpu()
            try:
                if function is None:
                    function = prepare(module.program)
                with torch.set_grad_enabled(self.training and torch.is_grad_enabled()), context, watched, warned:
                    try:
                        outputs = function(*arguments) if state is None else function(state, *arguments)
                    finally:
                        grad_enabled = str(torch.is_grad_enabled())
                if self.training:
                    self.measured += own_cpu() - began
                    roots, cotangents = _cotangents(outputs)
                    for _, tensor in wanted:
                        if not tensor.is_leaf:
                            tensor.retain_grad()
                    stage = "backward"
                    began = own_cpu()
                    if roots:
                        with watched:
                            torch.autograd.backward(roots, cotangents)
            except BaseException as error:
                failure = error
            self.measured += own_cpu() - began
            record = failure and self._exception(failure)
            seen = [(name, getattr(module, name, None)) for name in getattr(module, "WATCHED", ())]
            call = recorder.call(record, stage, outputs, arguments, state, wanted, self.training, seen)
            call.json["environment"]["grad_enabled"] = grad_enabled
            if warned is not nothing:
                call.json["environment"]["warnings"] = warned.told()
            calls.append(call)
            if failure is not None:
                # Frames of the failed call would keep its tensors, and so their storages' addresses, alive.
                failure.__traceback__ = None
                # Of programs that are valid by construction there is no more to see; elsewhere it is a result as any.
                if self.exhausted or not self.request.get("goes_on"):
                    break
        return calls

    def _exception(self, error: BaseException) -> dict[str, Any]:
        record = exception_record(error)
        if record["exhausted"]:
            self.exhausted = True
        return record


class Warned:
    """Notes the warnings that the program's own text gives while it is in force."""

    def __init__(self) -> None:
        self._seen: list[Any] = []

    def __enter__(self) -> None:
        self._catching = warnings.catch_warnings(record=True)
        self._seen = self._catching.__enter__()
        warnings.simplefilter("always")

    def __exit__(self, *error: Any) -> None:
        self._catching.__exit__(*error)

    def told(self) -> str:
        """Category and text of each, in order."""
        own = (each for each in self._seen if each.filename == FILE)
        return "; ".join(f"{each.category.__name__}: {each.message}" for each in own)


def _seed() -> None:
    """Put every generator of random numbers where each call begins."""
    import torch

    random.seed(0)
    if torch.accelerator.is_available():
        torch.manual_seed(0)
    else:
        # For devices that are not there `manual_seed` notes what to do once they are, with the stack that asked for it.
        torch.default_generator.manual_seed(0)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(0)


def _plain_modes() -> None:
    """The modes in which an execution begins, whatever the one before has left."""
    import torch

    torch.set_grad_enabled(True)
    if torch.get_default_dtype() is not torch.float32:
        torch.set_default_dtype(torch.float32)
    if torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(False)
    if torch.is_autocast_enabled("cpu"):
        torch.set_autocast_enabled("cpu", False)
    if torch.get_autocast_dtype("cpu") is not torch.bfloat16:
        torch.set_autocast_dtype("cpu", torch.bfloat16)
    if torch.is_anomaly_enabled():
        torch.autograd.set_detect_anomaly(False)


def _cotangents(outputs: Any) -> tuple[list[Any], list[Any]]:
    """The outputs that a loss is taken of, and the fixed dyadic cotangent of each: small integers, so that exact
    programs stay exact."""
    import torch

    roots, cotangents = [], []
    for number, (_, tensor) in enumerate(tensor_leaves(outputs)):
        # A view made of a parameter without gradients may say that it requires one, and has nowhere to send it.
        base = tensor._base if tensor.grad_fn is None else None
        if base is not None and base.requires_grad:
            continue
        if tensor.requires_grad and (tensor.is_floating_point() or tensor.is_complex()):
            count = torch.arange(tensor.numel(), dtype=torch.int64)
            values = (count * 7 + 3 * number) % 5 - 2
            roots.append(tensor)
            cotangents.append(values.to(tensor.dtype).reshape(tensor.shape))
    return roots, cotangents


def _global_state() -> tuple[Any, ...]:
    """What a case must leave as it was. A child in which it differs afterwards is retired."""
    import threading

    import torch

    state = dict(environment())
    for generator in ("rng", "python_rng", "numpy_rng"):
        state.pop(generator, None)
    return (
        tuple(sorted(state.items())),
        threading.active_count(),
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        sys.getrecursionlimit(),
        os.getcwd(),
        len(sys.path),
        len(os.environ),
        len(os.listdir("/proc/self/fd")),
        len(children()),
    )


def _distinct(loaded: dict[str, Any]) -> list[Any]:
    return list({id(module): module for module in loaded.values()}.values())
