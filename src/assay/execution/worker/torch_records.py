"""Records of what a call did: outputs, arguments and state afterwards, gradients, exceptions; aliasing by canonical
numbers.

A tensor is recorded with a digest and a private copy of its bytes; the bytes travel only where the other execution's
digest differs.
"""

from __future__ import annotations

import ctypes
import hashlib
import sys
from collections.abc import Iterator
from typing import Any

import torch

MESSAGE_LIMIT = 4096
FRAMES = 60
DEPTH = 16
ITEMS = 10000
_CASE_FILE = "assay_case.py"


class Call:
    """One call's record: JSON, and the tensors' bytes by place ("outputs/0", "gradients/argument 1")."""

    def __init__(self, status: str, stage: str) -> None:
        self.json: dict[str, Any] = {
            "status": status,
            "stage": stage,
            "exception": None,
            "outputs": None,
            "arguments": [],
            "state": {},
            "gradients": {},
            "environment": {},
        }
        self.tensors: dict[str, tuple[list[Any], bytes]] = {}
        self.bounds: dict[str, tuple[list[Any], bytes | None, bytes]] = {}
        self.choices: dict[str, Any] = {}


class Recorder:
    """Makes the records of one execution."""

    def __init__(self, shadows: Any = None) -> None:
        self.shadows = shadows
        self.storages: dict[int, int] = {}
        self.identities: dict[int, int] = {}
        self.tensors: dict[str, tuple[list[Any], bytes]] = {}
        self.bounds: dict[str, tuple[list[Any], bytes | None, bytes]] = {}
        self.choices: dict[str, Any] = {}

    def failed(self, exception: dict[str, Any], stage: str) -> Call:
        """The record of an execution that ended before there was a call."""
        call = Call("exception", stage)
        call.json["exception"] = exception
        return call

    def call(
        self,
        exception: dict[str, Any] | None,
        stage: str,
        outputs: Any,
        arguments: Any,
        state: Any,
        wanted: list[tuple[str, Any]],
        training: bool,
    ) -> Call:
        """The record of one call. Clears the gradients that it recorded."""
        # The canonical numbers are those of one call; within it every object they name is alive.
        self.storages, self.identities = {}, {}
        call = Call("ok" if exception is None else "exception", stage)
        self.tensors, self.bounds, self.choices = call.tensors, call.bounds, call.choices
        out = call.json
        out["exception"] = exception
        out["environment"] = environment()
        with torch.no_grad():
            out["arguments"] = [self.tree(value, f"arguments/{index}") for index, value in enumerate(arguments)]
            named = list(_named_state(state))
            out["state"] = {name: self.tree(tensor, f"state/{name}") for name, tensor in named}
            if exception is None or stage == "backward":
                out["outputs"] = self.tree(outputs, "outputs")
            if training:
                gradients = wanted + [(name, tensor) for name, tensor in named if tensor.requires_grad]
                for name, tensor in gradients:
                    gradient = tensor.grad if (tensor.is_leaf or tensor.retains_grad) else None
                    out["gradients"][name] = None if gradient is None else self.tree(gradient, f"gradients/{name}")
                    if gradient is not None:
                        tensor.grad = None
        return call

    def tree(self, value: Any, place: str, depth: int = 0) -> list[Any]:
        """A value as nested records."""
        if isinstance(value, torch.Tensor):
            return self.tensor(value, place)
        kind = type(value)
        if isinstance(value, (tuple, list)) and depth < DEPTH and len(value) <= ITEMS:
            items = [self.tree(item, f"{place}/{index}", depth + 1) for index, item in enumerate(value)]
            return ["c", _type_name(kind), None, items]
        if isinstance(value, dict) and depth < DEPTH and len(value) <= ITEMS:
            keys = [_text(key) for key in value]
            items = [self.tree(item, f"{place}/{key}", depth + 1) for key, item in zip(keys, value.values())]  # noqa: B905
            return ["c", _type_name(kind), keys, items]
        if isinstance(value, (set, frozenset)):
            return ["v", _type_name(kind), "{" + ", ".join(sorted(_text(item) for item in value)) + "}"]
        return ["v", _type_name(kind), _text(value)]

    def tensor(self, tensor: torch.Tensor, place: str) -> list[Any]:
        """A tensor's record; its bytes are kept under ``place``."""
        plain = tensor.layout == torch.strided
        data: bytes | None = None
        storage = offset = -1
        stride: list[int] = []
        shape = [int(size) for size in tensor.shape]
        dtype = str(tensor.dtype)[6:]
        try:
            if plain:
                offset, stride = int(tensor.storage_offset()), [int(step) for step in tensor.stride()]
                handle = tensor.untyped_storage()
                storage = self.storages.setdefault(handle._cdata, len(self.storages))
                data = _bytes(tensor, handle.nbytes())
            else:
                data = _bytes(tensor.detach().to_dense(), None)
            digest = hashlib.blake2b(data, digest_size=12, person=f"{dtype}{shape}".encode()[:16]).hexdigest()
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
            digest = f"unreadable: {type(error).__name__}: {str(error)[:200]}"
        record = [
            "t",
            dtype,
            shape,
            stride,
            storage,
            offset,
            self.identities.setdefault(id(tensor), len(self.identities)),
            tensor.requires_grad,
            digest,
            None,
            str(tensor.layout)[6:] if type(tensor) in (torch.Tensor, torch.nn.Parameter) else _type_name(type(tensor)),
        ]
        if data is not None:
            self.tensors[place] = (record, data)
            if self.shadows is not None and plain:
                self._shadow(record, tensor, place)
        return record

    def _shadow(self, record: list[Any], tensor: torch.Tensor, place: str) -> None:
        """Keep what the tensor stands for in higher precision, and its bound, beside its bytes; nothing of what is
        exact."""
        h, e = self.shadows.read(tensor)
        if e is not None:
            fractions = h.is_floating_point() or h.is_complex()
            self.bounds[place] = (record, _bytes(h, None) if fractions else None, _bytes(e, None))
            choice = self.shadows.chosen(tensor)
            if choice is not None:
                self.choices[place] = choice


def _bytes(tensor: torch.Tensor, available: int | None) -> bytes:
    """The elements in C order, little-endian. Raises ValueError where the view reaches beyond its storage."""
    if tensor.device.type != "cpu":
        if tensor.device.type == "meta":
            raise ValueError("a tensor without data")
        tensor = tensor.cpu()
        available = None
    size = tensor.element_size()
    count = tensor.numel()
    if count == 0:
        return b""
    if available is not None:
        last = tensor.storage_offset() + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride()))  # noqa: B905
        if (int(last) + 1) * size > available:
            raise ValueError("a view beyond the end of its storage")
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        raise ValueError(f"a {_type_name(type(tensor))}")
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return ctypes.string_at(flat.data_ptr(), count * size)


def same_records(reference: list[Call], target: list[Call] | None) -> bool:
    """Whether all that was seen of two executions is the same, tensors by their digests. Before `ship`."""
    return target is not None and [call.json for call in reference] == [call.json for call in target]


def ship(reference: list[Call], target: list[Call] | None, again: list[Call] | None, everything: bool) -> list[bytes]:
    """Choose the bytes that travel, and enter their numbers in the records: those that differ, and their
    counterparts."""
    buffers: list[bytes] = []

    def send(entry: tuple[list[Any], bytes]) -> None:
        record, data = entry
        if record[9] is None:
            record[9] = len(buffers)
            buffers.append(data)

    for index, call in enumerate(reference):
        other = target[index] if target is not None and index < len(target) else None
        for place, entry in call.tensors.items():
            counterpart = other.tensors.get(place) if other else None
            if everything or (counterpart is not None and counterpart[0][8] != entry[0][8]):
                send(entry)
                if counterpart is not None:
                    send(counterpart)
    if everything or again is not None:
        for call in (target or []) + (again or []) + (reference if again is not None else []):
            for entry in call.tensors.values():
                send(entry)
    for call in reference:
        for place, (record, value, bound) in call.bounds.items():
            shadow: list[Any] = [None if value is None else len(buffers), len(buffers) + (value is not None)]
            buffers += [bound] if value is None else [value, bound]
            if place in call.choices:
                values, slack, dim = call.choices[place]
                shadow.append([len(buffers), len(buffers) + 1, *values.shape, dim])
                buffers += [_bytes(values, None), _bytes(slack, None)]
            record.append(shadow)
    return buffers


def environment() -> dict[str, str]:
    """The global state of torch that a program may change and a compiler must not."""
    generator = hashlib.blake2b(bytes(torch.get_rng_state().numpy()), digest_size=8).hexdigest()
    return {
        "grad_enabled": str(torch.is_grad_enabled()),
        "inference_mode": str(torch.is_inference_mode_enabled()),
        "default_dtype": str(torch.get_default_dtype()),
        "deterministic": str(torch.are_deterministic_algorithms_enabled()),
        "autocast": str(torch.is_autocast_cpu_enabled()),
        "dispatch_modes": str(torch._C._len_torch_dispatch_stack()),
        "function_modes": str(torch._C._len_torch_function_stack()),
        "rng": generator,
    }


def tensor_leaves(value: Any, place: str = "argument", depth: int = 0) -> list[tuple[str, torch.Tensor]]:
    """The tensors of nested containers in depth-first order, with their places: ``argument 1['key'][2]``."""
    if isinstance(value, torch.Tensor):
        return [(place, value)]
    if depth > DEPTH:
        return []
    if isinstance(value, (tuple, list)):
        pairs = enumerate(value)
    elif isinstance(value, dict):
        pairs = value.items()  # type: ignore[assignment]
    else:
        return []
    leaves = []
    for key, item in pairs:
        leaves += tensor_leaves(item, f"{place} {key}" if depth == 0 else f"{place}[{key!r}]", depth + 1)
    return leaves


def _named_state(state: Any) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(state, torch.nn.Module):
        yield from state.named_parameters(remove_duplicate=False)
        yield from state.named_buffers(remove_duplicate=False)


def exception_record(error: BaseException) -> dict[str, Any]:
    """What an exception is, where it came from, and what caused it."""
    chain, frames, seen = [], _frames(error), {id(error)}
    cause = _cause(error)
    while cause is not None and id(cause) not in seen and len(chain) < 8:
        seen.add(id(cause))
        text = _text(cause, 400)
        chain.append(f"{_type_name(type(cause))}: {text.splitlines()[0] if text else ''}")
        frames += [frame for frame in _frames(cause) if frame not in frames]
        cause = _cause(cause)
    message = _text(error, MESSAGE_LIMIT)
    exhausted = isinstance(error, MemoryError) or any(
        sign in message for sign in ("DefaultCPUAllocator", "std::bad_alloc", "Cannot allocate memory")
    )
    return {
        "type": _type_name(type(error)),
        "bases": [_type_name(base) for base in type(error).__mro__[1:-1]],
        "message": message,
        "frames": frames[-FRAMES:],
        "chain": chain,
        "exhausted": exhausted,
    }


def _cause(error: BaseException) -> BaseException | None:
    inner = getattr(error, "inner_exception", None)
    if isinstance(inner, BaseException):
        return inner
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(error: BaseException) -> list[str]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        file = code.co_filename
        if file == _CASE_FILE:
            frames.append(f"case:{code.co_name}")
        elif not file.startswith(_WORKER):
            frames.append(f"{_package_path(file)}:{code.co_name}")
        trace = trace.tb_next
    return frames


_WORKER = __file__.rpartition("/")[0] + "/"


def _package_path(file: str) -> str:
    for folder in sorted(sys.path, key=len, reverse=True):
        if folder and file.startswith(folder.rstrip("/") + "/"):
            return file[len(folder.rstrip("/")) + 1 :]
    return file.rpartition("/")[2]


def _type_name(kind: type) -> str:
    module = getattr(kind, "__module__", "")
    name = getattr(kind, "__qualname__", repr(kind))
    return name if module in ("builtins", "", None) else f"{module}.{name}"


def _text(value: Any, limit: int = 300) -> str:
    """``repr`` of a value, ``str`` of an exception, cut; a broken one cannot hurt."""
    try:
        text = str(value) if isinstance(value, BaseException) else repr(value)
    except Exception as error:
        text = f"<no text: {type(error).__name__}>"
    return text[:limit]
