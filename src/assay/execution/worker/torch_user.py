"""What a worker says of a user's function or module: what it takes, its graph, whether texts of operations do the same.

Each is asked for as evidence in place of a run (`torch_runtime.execute`), with the text of a case that loads the user's
file. What the user's code raises is an answer, never an error of the worker.
"""

from __future__ import annotations

import base64
import inspect
import operator
import re
import sys
import types
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .torch_records import MODULE, tensor_leaves

FILE = "assay_case.py"
ENCODED_BYTES = 1 << 20
"""The most of a tensor that no formula makes which is written into a text."""

_NAMED = re.compile(r"[A-Za-z_]\w*")
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)\n\s*(.*)')
_PLAIN = (bool, int, float, str, type(None))


class Failed(Exception):
    """Something cannot be told; the text says what and why."""


def answer(question: str, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question by its name: describe, graph, hold, traced."""
    try:
        return {"describe": describe, "graph": graph, "hold": hold, "traced": traced}[question](request)
    except Failed as reason:
        return {"failed": str(reason)}


def _load(text: str) -> types.ModuleType:
    """The case's module. Raises Failed with the one line that says why not."""
    module = types.ModuleType(MODULE)
    module.__file__ = FILE
    sys.modules[MODULE] = module
    try:
        exec(compile(text, FILE, "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        raise Failed(_said(error, module)) from None
    return module


def _said(error: BaseException, module: types.ModuleType) -> str:
    """An exception as one line, with the place in the user's own file."""
    refused = getattr(module, "Refused", None)
    first = next(iter(str(error).strip().splitlines()), "")
    if refused is not None and isinstance(error, refused):
        return first
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    folder = getattr(module, "FOLDER", None)
    where, trace = "", error.__traceback__
    while folder and trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(str(folder)) and "/site-packages/" not in name:
            where = f" (line {trace.tb_lineno} of {name[len(str(folder)) :].lstrip('/')})"
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.lineno:
        where = f" (line {error.lineno})"
    return said + where


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """What the subject is and takes: one run, eagerly."""
    module = _load(request["text"])
    try:
        state = module.state() if hasattr(module, "state") else None
    except BaseException as error:
        raise Failed(_said(error, module)) from None
    try:
        args, kwargs = module.given()
    except BaseException as error:
        raise Failed(f"its inputs cannot be made: {_said(error, module)}") from None
    subject = module.SUBJECT
    found: dict[str, Any] = {"names": _names(subject, args), "keywords": list(kwargs), "leaves": [], "constants": []}
    values, count = [*args, *kwargs.values()], 0
    for place, value in zip([*found["names"], *kwargs], values):  # noqa: B905 -- Python 3.9
        flat, _ = pytree.tree_flatten(value)
        for number, leaf in enumerate(flat):
            name = place if len(flat) == 1 else f"{place}[{number}]"
            if isinstance(leaf, torch.Tensor):
                found["leaves"].append({"name": name, "number": count + number, **_content(leaf)})
            else:
                found["constants"].append(f"{name}={leaf!r}"[:60])
        count += len(flat)
    if not tensor_leaves(tuple(values)) and state is None:
        raise Failed("it is given no tensor; name one with --input, such as --input float32[2,3]")
    try:
        with torch.no_grad():
            result = module.program(*values) if state is None else module.program(state, *values)
    except BaseException as error:
        raise Failed(f"the inputs do not fit: eager raises {_said(error, module)}") from None
    outputs = tensor_leaves(result, "output")
    found["outputs"] = [[place, str(each.dtype)[6:], list(each.shape)] for place, each in outputs]
    found["returns"] = type(result).__name__
    if state is not None:
        found["parameters"] = sum(each.numel() for each in state.parameters())
        found["buffers"] = sum(1 for _ in state.buffers())
        found["hooks"] = sum(_hooks(each) for each in state.modules())
        found["trainable"] = any(each.requires_grad for each in state.parameters())
    found["version"] = torch.__version__
    return found


def _names(subject: Any, args: Any) -> list[str]:
    """Names of positional inputs: those of the parameters, where they can be told."""
    called = subject.forward if isinstance(subject, torch.nn.Module) else subject
    names: list[str] = []
    try:
        parameters = inspect.signature(called).parameters.values()
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = [each.name for each in parameters if each.kind in kinds]
    except (TypeError, ValueError):
        pass
    return [names[k] if k < len(names) and _NAMED.fullmatch(names[k]) else f"input{k}" for k in range(len(args))]


def _hooks(module: torch.nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind, ())) for kind in kinds)


def _content(tensor: torch.Tensor) -> dict[str, Any]:
    """What is in a tensor, so that one like it can be made: a formula where one makes it, its bytes where it holds
    integers or truth values, else how far its elements reach."""
    tensor = tensor.detach()
    found: dict[str, Any] = {"dtype": str(tensor.dtype)[6:], "shape": list(tensor.shape), "low": 0.0, "high": 0.0}
    found["stride"] = list(tensor.stride()) if tensor.layout == torch.strided else None
    if tensor.numel() == 0 or tensor.is_complex() or tensor.layout != torch.strided:
        return found
    flat = tensor.reshape(-1).to(torch.float64)
    finite = flat[torch.isfinite(flat)]
    if finite.numel():
        found["low"], found["high"] = float(finite.min()), float(finite.max())
    step = float(flat[1] - flat[0]) if flat.numel() > 1 else 0.0
    if torch.equal(flat, flat[0] + step * torch.arange(flat.numel(), dtype=torch.float64)):
        found["formula"] = [float(flat[0]), step, flat.numel() if step else 1]
    elif not tensor.is_floating_point() or finite.numel() != flat.numel():
        data = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        if len(data) <= ENCODED_BYTES:
            found["bytes"] = base64.b64encode(data).decode()
    return found


def _exported(request: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The exported program of a case, and the values of its placeholders. Raises Failed."""
    module = _load(request["text"])
    state = module.state() if hasattr(module, "state") else None

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            if state is not None:
                self.model = state

        def forward(self, *given: Any) -> Any:
            return module.program(*given) if state is None else module.program(self.model, *given)

    whole = Whole()
    whole.training = bool(request["training"])
    arguments = tuple(module.inputs(0))
    try:
        with torch.set_grad_enabled(bool(request["training"])):
            program = torch.export.export(whole, arguments, strict=False)
    except Exception as error:
        raise Failed(_said(error, module)) from None
    leaves = iter(pytree.tree_leaves(arguments))
    values = []
    for spec in program.graph_signature.input_specs:
        if spec.kind.name == "USER_INPUT":
            values.append(next(leaves))
            continue
        held = program.state_dict.get(spec.target)
        values.append(program.constants.get(spec.target) if held is None else held)
    return program, [each.detach().clone() if isinstance(each, torch.Tensor) else each for each in values]


class _Watching(torch.fx.Interpreter):
    """Runs a graph and looks at every call."""

    def __init__(self, graph_module: Any, seen: Any) -> None:
        super().__init__(graph_module, garbage_collect_values=False)
        self.seen = seen

    def run_node(self, node: Any) -> Any:
        torch.manual_seed(0)
        if node.op != "call_function":
            return super().run_node(node)
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        before = self.seen.before(node, self.env) if self.seen.wants(node) else None
        torch.manual_seed(0)
        result = node.target(*args, **kwargs)
        self.seen.after(node, result, before)
        return result


def _watched(program: Any, seen: Any, values: list[Any]) -> None:
    """Run an exported program once, watched. Raises Failed where torch's own graph does not run."""
    try:
        with torch.no_grad():
            _Watching(program.graph_module, seen).run(*values)
    except (RuntimeError, TypeError) as error:
        raise Failed(f"what torch exports does not run: {next(iter(str(error).splitlines()), '')}") from None


class _Drawing:
    """Notes the nodes of a graph as plain data."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.folder = request["options"].get("folder") or ""
        self.nodes: list[dict[str, Any]] = []
        self.storages: dict[int, str] = {}
        self.kept: list[Any] = []

    def wants(self, node: Any) -> bool:
        return False

    def storage(self, tensor: Any, name: str) -> str:
        self.kept.append(tensor)
        if tensor.layout != torch.strided:
            return name
        return self.storages.setdefault(tensor.untyped_storage()._cdata, name)

    def result(self, value: Any, name: str) -> Any:
        if isinstance(value, torch.Tensor):
            return [str(value.dtype)[6:], list(value.shape), self.storage(value, name), value.requires_grad]
        if isinstance(value, (tuple, list)):
            return {"many": [self.result(item, f"{name}_{number}") for number, item in enumerate(value)]}
        return {"scalar": type(value).__name__}

    def after(self, node: Any, result: Any, before: Any) -> None:
        told: dict[str, Any] = {"name": node.name, "result": self.result(result, node.name)}
        if node.target is operator.getitem:
            told.update(operator="getitem", arguments=[["of", _plain(node.args[0])], ["index", node.args[1]]])
        elif isinstance(node.target, torch._ops.OpOverload):
            told.update(operator=str(node.target), arguments=_arguments(node), text=_call(node))
        else:
            raise Failed(f"{getattr(node.target, '__name__', node.target)} is no operator of tensors")
        told["origin"] = _origin(node, self.folder, {})
        self.nodes.append(told)


def _path(name: str, kind: Any, known: dict[str, str]) -> str:
    """The name of a module within the subject; empty where that cannot be told. ``known`` are its modules by name, with
    their classes."""
    if not name.startswith("L["):
        return name.replace("model.", "", 1) if name.startswith("model.") else ""
    # Dynamo begins with what a frame was given: the subject in the outermost, some module of it in another.
    inner = name.partition("].")[2]
    named = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    ends = [each for each, other in known.items() if f".{each}".endswith(f".{inner}") and other == named]
    return ends[0] if inner and len(ends) == 1 else ""


def _origin(node: Any, folder: str, known: dict[str, str]) -> list[Any]:
    """The innermost line of the user's own that an operation comes from: file, line, text; and the module."""
    modules = [entry for entry in (node.meta.get("nn_module_stack") or {}).values() if entry[0]]
    path = _path(*modules[-1], known) if modules else ""
    found: list[Any] = ["", 0, "", path]
    for file, line, _, text in _FRAME.findall(node.meta.get("stack_trace") or ""):
        if folder and file.startswith(folder) and "/site-packages/" not in file[len(folder) :]:
            found = [file[len(folder) :].lstrip("/"), int(line), text.strip(), path]
    return found


def traced(request: dict[str, Any]) -> dict[str, Any]:
    """The graphs that Dynamo makes of the subject, as its text has them, with the operations of each."""
    module = _load(request["text"])
    folder = request["options"].get("folder") or ""
    try:
        found = module.traced()
    except Exception as error:
        raise Failed(_said(error, module)) from None
    modules = module.SUBJECT.named_modules() if isinstance(module.SUBJECT, torch.nn.Module) else ()
    known = {name: f"{type(each).__module__}.{type(each).__qualname__}" for name, each in modules}
    graphs = [[node for node in each.graph.nodes if _computes(node)] for each, _ in found]
    return {"graphs": [[_call_of(node, folder, known) for node in nodes] for nodes in graphs]}


def _computes(node: Any) -> bool:
    return node.op in ("call_function", "call_method", "call_module")


def _call_of(node: Any, folder: str, known: dict[str, str]) -> dict[str, Any]:
    """An operation of one of Dynamo's graphs as plain data."""
    if node.op == "call_function":
        name = str(node.target) if isinstance(node.target, torch._ops.OpOverload) else _qualified(node.target)
    else:
        name = f"Tensor.{node.target}" if node.op == "call_method" else str(node.target)
    return {
        "name": node.name,
        "operator": name,
        "tensor": bool(tensor_leaves(node.meta.get("example_value"))),
        "users": [each.name for each in node.users],
        "origin": _origin(node, folder, known),
    }


def _qualified(target: Any) -> str:
    try:
        return str(torch.fx.node._get_qualified_name(target))
    except (AssertionError, AttributeError, RuntimeError):
        # It knows of few kinds of functions, and torch has more.
        return str(getattr(target, "__name__", target))


def graph(request: dict[str, Any]) -> dict[str, Any]:
    """The subject's graph of aten operators: placeholders, nodes, and what it returns."""
    program, values = _exported(request)
    drawing = _Drawing(request)
    placeholders = []
    for spec, value in zip(program.graph_signature.input_specs, values):  # noqa: B905 -- Python 3.9
        if not isinstance(value, torch.Tensor):
            if spec.kind.name != "USER_INPUT":
                raise Failed("it holds an object that is no tensor")
            continue
        if str(value.device) != "cpu":
            raise Failed(f"it has a tensor on {value.device}")
        role = {"PARAMETER": "parameter", "USER_INPUT": "argument"}.get(spec.kind.name, "buffer")
        name = spec.arg.name
        drawing.storage(value, name)
        required = program.state_dict[spec.target].requires_grad if role == "parameter" else False
        placeholders.append({"name": name, "role": role, "requires_grad": required, **_content(value)})
    _watched(program, drawing, values)
    written = next(node for node in program.graph_module.graph.nodes if node.op == "output").args[0]
    kinds = [spec.kind.name for spec in program.graph_signature.output_specs]
    returned = [each for each, kind in zip(written, kinds) if kind == "USER_OUTPUT"]  # noqa: B905 -- Python 3.9
    outputs = [_plain(each) for each in returned if isinstance(each, torch.fx.Node)]
    return {"placeholders": placeholders, "nodes": drawing.nodes, "outputs": [each["node"] for each in outputs]}


def _plain(value: Any) -> Any:
    """An argument as JSON has it. Raises Failed for an object of another kind."""
    if isinstance(value, torch.fx.Node):
        return {"node": value.name}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, torch.dtype):
        return {"dtype": str(value)[6:]}
    if isinstance(value, float) and value - value != 0.0:
        return {"float": str(value)}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, torch.device):
        return {"python": f"torch.device({str(value)!r})"}
    if isinstance(value, (torch.memory_format, torch.layout)):
        return {"python": str(value)}
    raise Failed(f"an operation is given {type(value).__name__}, which has no text")


def _arguments(node: Any) -> list[list[Any]]:
    """The arguments of a node by the names of the operator's schema, those at their default left out."""
    found = []
    given = dict(node.kwargs)
    for number, argument in enumerate(node.target._schema.arguments):
        if number < len(node.args):
            value = node.args[number]
        elif argument.name in given:
            value = given[argument.name]
        else:
            continue
        if argument.has_default_value() and not isinstance(value, torch.fx.Node) and value == argument.default_value:
            continue
        found.append([argument.name, _plain(value)])
    return found


def _call(node: Any) -> str:
    """The call of a node as text, operands in braces."""
    arguments = [_text(_plain(each)) for each in node.args]
    arguments += [f"{key}={_text(_plain(each))}" for key, each in node.kwargs.items()]
    return f"torch.ops.{node.target}({', '.join(arguments)})"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        (kind, inner), *_ = value.items()
        return {"node": f"{{{inner}}}", "dtype": f"torch.{inner}", "float": f'float("{inner}")'}.get(kind, str(inner))
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return repr(value)


class _Holding:
    """Holds the texts of operations against what the graph's own calls give: exactly, but for the sign of a zero."""

    def __init__(self, texts: dict[str, Any]) -> None:
        self.texts = texts
        self.wrong: dict[str, str] = {}

    def wants(self, node: Any) -> bool:
        return node.name in self.texts

    def before(self, node: Any, environment: Any) -> Any:
        """What the text gives on copies of the operands; why it gives nothing."""
        scope: dict[str, Any] = {"torch": torch, "self": types.SimpleNamespace()}
        named = self.texts[node.name]["operands"]
        for each, value in environment.items():
            owner, _, name = named.get(each.name, "").rpartition(".")
            if owner:
                setattr(scope[owner], name, _copied(value))
            elif name:
                scope[name] = _copied(value)
        try:
            exec(self.texts[node.name]["text"], scope)
            return [scope[name] for name in self.texts[node.name]["results"]]
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def after(self, node: Any, result: Any, before: Any) -> None:
        if before is None:
            return
        if isinstance(before, str):
            self.wrong[node.name] = before
            return
        expected = list(result) if isinstance(result, (tuple, list)) else [result]
        if len(expected) != len(before) or not all(map(_same, expected, before)):
            self.wrong[node.name] = "it gives something else"


def _copied(value: Any) -> Any:
    """The same tensor in memory of its own."""
    if not isinstance(value, torch.Tensor):
        return value
    # With all of its memory, which it may see twice, or in part.
    whole = torch.empty(0, dtype=value.dtype).set_(value.untyped_storage()).clone()
    return whole.as_strided(value.shape, value.stride(), value.storage_offset())


def _same(a: Any, b: Any) -> bool:
    if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
        return type(a) is type(b) and a == b
    same = a.dtype == b.dtype and a.shape == b.shape
    return same and bool(((a == b) | ((a != a) & (b != b))).all())


def hold(request: dict[str, Any]) -> dict[str, Any]:
    """Of texts of operations, by the names of nodes, those that do not do what the nodes do."""
    program, values = _exported(request)
    holding = _Holding(request["options"]["texts"])
    _watched(program, holding, values)
    return {"wrong": holding.wrong}
