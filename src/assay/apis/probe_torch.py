"""Calls of the installed PyTorch's functions, methods, modules and operators: a program for the target's interpreter.

    OpInfo, module database, operator schemas --> calls that run --> what they are made of --> JSON on stdout

The two databases are those of PyTorch's own tests and ship in the wheel. What they do not reach is read from schemas of
the operators, whose arguments are partly seen in derivatives of calls from the databases and partly guessed. Each entry
is worked on in a forked process, which it may hang or end. The program imports what lies beside it, nothing of assay.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import math
import os
import resource
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from calls_torch import ELEMENTS, Call, Emit, Names, Offers, Unusable, api, performed, spaced
from guess_torch import from_schema
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from workers import Task, spread

SILENT_SECONDS = 60.0
SILENT_GUESSES = 30.0
WORKER_SECONDS = 1200
MEMORY = 6 << 30
DATABASES = ("op_db", *(f"foreach_{kind}_op_db" for kind in ("unary", "binary", "pointwise", "reduce", "other")))
COMPLEX_SAMPLES = 6
VARIANT_CALLS = 5
PROFILED_CALLS = 30
DERIVED_CALLS = 4
SEEN_CALLS = 4


class Recorder(TorchFunctionMode):
    """Notes the outermost calls of public functions, before they are made."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self.names = names
        self.calls: list[tuple[str, Callable[..., Any], Call]] = []
        self.reasons: list[str] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = self.names.of(func)
        if name is not None:
            try:
                self.calls.append((name, func, Call(args, kwargs or {})))
            except Unusable as error:
                self.reasons.append(str(error))
        return func(*args, **(kwargs or {}))


class Dispatched(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the first call of each operator."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: dict[str, Call] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.namespace == "aten" and str(func) not in self.calls:
            with contextlib.suppress(Unusable):
                self.calls[str(func)] = Call(args, kwargs or {})
        return func(*args, **(kwargs or {}))


def from_opinfo(info: Any, names: Names, emit: Emit) -> None:
    """The calls of an entry of OpInfo, of its method, of its in-place variant and of its aliases."""
    offers = Offers(info.name, emit)
    direct = names.of(info.op, info.name)
    usable: list[Call] = []
    for dtype in (torch.float64, torch.complex128):
        if dtype not in info.supported_dtypes("cpu"):
            continue
        samples: Iterable[Any] = info.sample_inputs("cpu", dtype, requires_grad=False)
        if dtype.is_complex:
            samples = spaced(list(samples), COMPLEX_SAMPLES)
        for sample in samples:
            if offers.late():
                break
            try:
                call = Call((sample.input, *sample.args), sample.kwargs)
            except Unusable as error:
                emit({"skipped": str(error)})
                continue
            if direct is None:
                done = _recorded(info, sample, names, offers)
            else:
                done = offers.offer(api(direct, "opinfo"), info.op, call)
            if done:
                usable.append(call)
    _variants(info, usable, names, offers)
    _beneath(offers)


def _recorded(info: Any, sample: Any, names: Names, offers: Offers) -> bool:
    """The public calls of a function that has no public name."""
    recorder = Recorder(names)
    try:
        with recorder:
            info.op(sample.input, *sample.args, **sample.kwargs)
    except Exception as error:
        offers.emit({"skipped": f"it raises {type(error).__name__}"})
        return False
    for reason in recorder.reasons:
        offers.emit({"skipped": reason})
    kept = [offers.offer(api(name, "opinfo"), what, call) for name, what, call in recorder.calls]
    return any(kept)


def _variants(info: Any, usable: list[Call], names: Names, offers: Offers) -> None:
    usable.sort(key=lambda call: sum(each.numel() for each in call.tensors))
    variants = [info.method_variant, info.inplace_variant]
    for alias in info.aliases:
        variants += [alias.op, alias.method_variant, alias.inplace_variant]
    done = {told["name"] for told, _, _ in offers.kept}
    for variant in variants:
        name = names.of(variant) if variant is not None else None
        if name is None or name in done:
            continue
        done.add(name)
        kept = 0
        for call in spaced(usable, 4 * VARIANT_CALLS):
            if kept < VARIANT_CALLS and not offers.late():
                kept += offers.offer(api(name, "opinfo"), variant, call)


def from_module(info: Any, name: str, emit: Emit) -> None:
    """The calls of an entry of the module database."""
    offers = Offers(name, emit)
    inputs = info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=False, training=True)
    for each in inputs:
        if offers.late():
            break
        made, given = each.constructor_input, each.forward_input
        try:
            call = Call(given.args, given.kwargs)
            args = [call.value(value) for value in made.args]
            kwargs = {key: call.value(value) for key, value in made.kwargs.items()}
            module = info.module_cls(*made.args, **made.kwargs).to(torch.float64)
            held = [*module.named_parameters(), *module.named_buffers()]
            state = {key: call.value(value)["tensor"] for key, value in held if value.is_floating_point()}
        except Unusable as error:
            emit({"skipped": str(error)})
            continue
        call.more = {"init": {"args": args, "kwargs": kwargs}, "state": state}
        offers.offer(api(name, "modules", "module"), info.module_cls, call)
    _beneath(offers)


def _beneath(offers: Offers) -> None:
    """Tells which operators the calls that were kept reach, and what others their derivatives call with what."""
    by_name: dict[str, list[tuple[dict[str, Any], Callable[..., Any], Call]]] = {}
    for each in offers.kept:
        by_name.setdefault(each[0]["name"], []).append(each)
    chosen = [each for kept in by_name.values() for each in spaced(kept, PROFILED_CALLS)]
    calls = [(what, call, [each.clone() for each in call.tensors]) for _, what, call in chosen]
    with torch.autograd.profiler.profile() as profile:
        for what, call, tensors in calls:
            performed(what, call, tensors)
    names = {event.name() for event in profile.kineto_results.events()}
    reached = sorted(name.removeprefix("aten::") for name in names if name.startswith("aten::"))
    offers.emit({"reached": reached})
    recorder = Dispatched()
    for told, what, call in spaced([each for each in offers.kept if not each[0]["inplace"]], DERIVED_CALLS):
        if told["kind"] != "method":
            _differentiate(what, call, recorder)
    for name, call in recorder.calls.items():
        if name.split(".")[1] not in reached:
            seed = call.written(whole=True)
            if all(math.prod(each["shape"]) <= ELEMENTS for each in seed["tensors"]):
                offers.emit({"within": name, "seed": seed})


def _differentiate(what: Callable[..., Any], call: Call, recorder: Dispatched) -> None:
    """Takes first and second derivatives, backwards."""
    floating = [each.is_floating_point() or each.is_complex() for each in call.tensors]
    tensors = [each.clone().requires_grad_(wanted) for each, wanted in zip(call.tensors, floating, strict=True)]
    try:
        result = performed(what, call, tensors)
        for create_graph in (False, True, False):
            leaves = (each for each in pytree.tree_leaves(result) if isinstance(each, torch.Tensor))
            outputs = [each for each in leaves if each.requires_grad and each.grad_fn is not None]
            inputs = [each for each in tensors if each.requires_grad]
            if not outputs:
                return
            cotangents = [torch.rand_like(each) for each in outputs]
            with recorder:
                made = torch.autograd.grad(
                    outputs, inputs, cotangents, allow_unused=True, retain_graph=True, create_graph=create_graph
                )
            if create_graph:
                result = made
    except RuntimeError:
        # Whether it can be differentiated is not asked here.
        return


class Found:
    """The APIs so far, with their seeds, and what was not reached."""

    def __init__(self) -> None:
        self.apis: dict[str, dict[str, Any]] = {}
        self.seen: set[str] = set()
        self.unreached: dict[str, str] = {}
        self.reached: set[str] = set()
        self.within: dict[str, list[dict[str, Any]]] = {}

    def add(self, entry: str, items: Sequence[dict[str, Any]]) -> None:
        """What one entry came to."""
        reasons: Counter[str] = Counter()
        end = ""
        found = False
        for item in items:
            if "api" in item:
                found = True
                told = item["api"]
                key = json.dumps([told["name"], item["seed"]])
                if key not in self.seen:
                    self.seen.add(key)
                    self.apis.setdefault(told["name"], {**told, "seeds": []})["seeds"].append(item["seed"])
            elif "within" in item:
                self.within.setdefault(item["within"], []).append(item["seed"])
            elif "reached" in item:
                self.reached.update(item["reached"])
            elif "skipped" in item:
                reasons[item["skipped"]] += 1
            else:
                end = item.get("refused") or item.get("reason") or item["failed"]
        if not found:
            self.unreached[entry] = end or (reasons.most_common(1)[0][0] if reasons else "no sample in float64")

    def told(self) -> dict[str, Any]:
        for told in self.apis.values():
            small = [seed for seed in told["seeds"] if all(math.prod(t["shape"]) <= ELEMENTS for t in seed["tensors"])]
            told["seeds"] = sorted(small or told["seeds"], key=_size)
        unreached = [{"name": name, "reason": reason} for name, reason in sorted(self.unreached.items())]
        version = ".".join(map(str, sys.version_info[:3]))
        about = {"library": "torch", "version": torch.__version__, "python": version}
        return {**about, "apis": [self.apis[name] for name in sorted(self.apis)], "unreached": unreached}


def _size(seed: dict[str, Any]) -> tuple[bool, int]:
    """The order of seeds: small ones first, but those with an empty tensor, which say little, at the end."""
    sizes = [math.prod(each["shape"]) for each in seed["tensors"]]
    return 0 in sizes, sum(sizes)


def operators(found: Found, only: Sequence[str]) -> Iterator[Any]:
    """The overloads of operators with floats that nothing above calls."""
    for full in sorted(torch._C._dispatch_get_all_op_names()):
        namespace, _, rest = full.partition("::")
        packet, _, overload = rest.partition(".")
        if namespace != "aten" or packet in found.reached:
            continue
        what = getattr(getattr(torch.ops.aten, packet, None), overload or "default", None)
        schema = getattr(what, "_schema", None)
        if schema is None:
            continue
        name = f"torch.ops.{what}"
        if (only and name not in only) or not any("Tensor" in str(each.type) for each in schema.arguments):
            continue
        if any(each.is_out for each in schema.arguments):
            found.unreached[name] = "it writes into its result's memory (out variant)"
        elif any("Tensor" in str(each.type) for each in schema.returns):
            yield what


def performable(run: Callable[[Emit], None]) -> Task:
    """A task that tells what it fails of."""

    def task(emit: Emit) -> None:
        try:
            run(emit)
        except Exception as error:
            text = str(error).strip().splitlines() or [""]
            emit({"failed": f"{type(error).__name__}: {text[0]}"[:120]})

    return task


def done(tasks: Sequence[Task], seconds: float) -> list[list[Any]]:
    """What each task emits. One whose process ends or hangs is done once more by itself: another that it came after may
    have left that process so."""
    results: list[list[Any]] = spread(tasks, prepare, seconds)
    for index, items in enumerate(results):
        if items and "reason" in items[-1]:
            (results[index],) = spread([tasks[index]], prepare, seconds)
    return results


def prepare() -> None:
    """Limits of a worker: no file of what was in it when it ends, an end of it even where nobody waits, its memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (WORKER_SECONDS, WORKER_SECONDS))
    with open("/proc/self/statm") as sizes:
        most = int(sizes.read().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def databases(found: Found, only: Sequence[str]) -> None:
    """What the databases of PyTorch's own tests reach."""
    methods = importlib.import_module("torch.testing._internal.common_methods_invocations")
    modules = importlib.import_module("torch.testing._internal.common_modules")
    names = Names()
    tasks: dict[str, Task] = {}
    for info in (each for database in DATABASES for each in getattr(methods, database, ())):
        entry = f"OpInfo {info.name}" + (f" ({info.variant_test_name})" if info.variant_test_name else "")
        if not only or info.name in only:
            tasks[entry] = performable(functools.partial(from_opinfo, info, names))
    for info in modules.module_db:
        name = f"torch.nn.{info.module_cls.__name__}"
        if only and name not in only:
            continue
        if info.is_lazy or getattr(torch.nn, info.module_cls.__name__, None) is not info.module_cls:
            found.unreached[name] = "a module that is lazy or not public"
        else:
            tasks[name] = performable(functools.partial(from_module, info, name))
    for entry, items in zip(tasks, done(list(tasks.values()), SILENT_SECONDS), strict=True):
        found.add(entry, items)


def main(only: Sequence[str]) -> int:
    """Print what there is; of what ``only`` names, if it names anything."""
    warnings.simplefilter("ignore")
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    found = Found()
    try:
        importlib.import_module("expecttest")
    except ImportError:
        found.unreached["OpInfo"] = found.unreached["the module database"] = "needs expecttest"
    else:
        databases(found, only)
    chosen = list(operators(found, only))
    tasks = [
        performable(functools.partial(from_schema, what, found.within.get(str(what), ())[:SEEN_CALLS]))
        for what in chosen
    ]
    for what, items in zip(chosen, done(tasks, SILENT_GUESSES), strict=True):
        found.add(f"torch.ops.{what}", items)
    json.dump(found.told(), output)
    output.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
