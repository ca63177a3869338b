"""Records of what a call did: outputs, arguments and state afterwards, gradients, exceptions; aliasing by canonical
numbers.

A tensor is recorded with a digest and a private copy of its bytes; the bytes travel only where the other execution's
digest differs.
"""

from __future__ import annotations

import ctypes
import hashlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import torch

from . import records
from .objects import parts, plain
from .records import DEPTH, Call, type_name

MODULE = "assay_case"
"""The name of the module that a case's text becomes."""

# Kinds of tensors that are read as they are; what else has a type of its own is a subclass of the program's.
_TENSORS = (torch.Tensor, torch.nn.Parameter)


class Recorder:
    """Makes the records of one execution."""

    def __init__(self, shadows: Any = None) -> None:
        self.shadows = shadows
        self.storages: dict[int, int] = {}
        self.identities: dict[int, int] = {}
        self.objects: dict[int, int] = {}
        self.kept: list[Any] = []
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
        watched: list[tuple[str, Any]] | None = None,
    ) -> Call:
        """The record of one call. Clears the gradients that it recorded."""
        # The canonical numbers are those of one call; within it every object they name is alive.
        self.storages, self.identities, self.objects = {}, {}, {}
        call = Call("ok" if exception is None else "exception", stage)
        self.tensors, self.bounds, self.choices = call.tensors, call.bounds, call.choices
        out = call.json
        out["exception"] = exception
        out["environment"] = environment()
        with torch.no_grad():
            out["arguments"] = [self.tree(value, f"arguments/{index}") for index, value in enumerate(arguments)]
            named = list(_named_state(state))
            out["state"] = {name: self.tree(tensor, f"state/{name}") for name, tensor in named}
            for name, value in watched or []:
                out["state"][f"global {name}"] = self.tree(value, f"state/global {name}")
            if exception is None or stage == "backward":
                out["outputs"] = self.tree(outputs, "outputs")
            if training:
                gradients = wanted + [(name, tensor) for name, tensor in named if tensor.requires_grad]
                for name, tensor in gradients:
                    gradient = tensor.grad if (tensor.is_leaf or tensor.retains_grad) else None
                    out["gradients"][name] = None if gradient is None else self.tree(gradient, f"gradients/{name}")
                    if gradient is not None:
                        tensor.grad = None
        self.kept.clear()
        return call

    def tree(self, value: Any, place: str, around: tuple[int, ...] = ()) -> list[Any]:
        """A value as nested records; ``around`` are the objects that it is in."""
        if isinstance(value, torch.Tensor):
            return self.tensor(value, place)
        if id(value) in around:
            return ["v", type_name(type(value)), f"<what is {len(around) - around.index(id(value))} around it>"]
        found = parts(value, MODULE) if len(around) < DEPTH else None
        if found is None:
            return ["v", type_name(type(value)), plain(value)]
        # What was made while the record is, as what an iterator gives, must not leave its address to another.
        self.kept.append(found.items)
        number = self.objects.setdefault(id(value), len(self.objects)) if found.promised else -1
        inside = (*around, id(value))
        keys = range(len(found.items)) if found.keys is None else found.keys
        items = [self.tree(item, f"{place}/{key}", inside) for key, item in zip(keys, found.items)]  # noqa: B905
        return ["c", found.kind, found.keys, items, number]

    def tensor(self, tensor: torch.Tensor, place: str) -> list[Any]:
        """A tensor's record; its bytes are kept under ``place``."""
        # Read below what the program has overridden: to look at a tensor must not run the program's code.
        read = tensor if type(tensor) in _TENSORS else _bare(tensor)
        strided = read.layout == torch.strided
        data: bytes | None = None
        storage = offset = -1
        stride: list[int] = []
        shape = [int(size) for size in read.shape]
        dtype = str(read.dtype)[6:]
        try:
            if strided:
                offset, stride = int(read.storage_offset()), [int(step) for step in read.stride()]
                handle = read.untyped_storage()
                # Two storages can be of one memory: numpy's array of a tensor, and the tensor of that array.
                memory = handle.data_ptr() if read.device.type == "cpu" and handle.nbytes() else 0
                storage = self.storages.setdefault(memory or handle._cdata, len(self.storages))
                data = _bytes(read, handle.nbytes())
            else:
                data = _bytes(read.detach().to_dense(), None)
            digest = records.digest(dtype, shape, data)
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
            read.requires_grad,
            digest,
            None,
            str(read.layout)[6:] if type(tensor) in _TENSORS else type_name(type(tensor)),
        ]
        if data is not None:
            self.tensors[place] = (record, data)
            if self.shadows is not None and strided:
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
                values, slack, dim = choice
                self.choices[place] = (_bytes(values, None), _bytes(slack, None), *values.shape, dim)


def _bare(tensor: torch.Tensor) -> torch.Tensor:
    """A subclass of the program's as the tensor that it is, whatever it overrides."""
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.as_subclass(torch.Tensor)


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
        raise ValueError(f"a {type_name(type(tensor))}")
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return ctypes.string_at(flat.data_ptr(), count * size)


def environment() -> dict[str, str]:
    """The global state of torch that a program may change and a compiler must not."""
    generator = hashlib.blake2b(bytes(torch.get_rng_state().numpy()), digest_size=8).hexdigest()
    numpy = sys.modules.get("numpy")
    return {
        "python_rng": str(hash(random.getstate())),
        "numpy_rng": "" if numpy is None else str(hash(numpy.random.get_state()[1].tobytes())),
        "grad_enabled": str(torch.is_grad_enabled()),
        "inference_mode": str(torch.is_inference_mode_enabled()),
        "default_dtype": str(torch.get_default_dtype()),
        "deterministic": str(torch.are_deterministic_algorithms_enabled()),
        "deterministic_warns": str(torch.is_deterministic_algorithms_warn_only_enabled()),
        "autocast": str(torch.is_autocast_enabled("cpu")),
        "autocast_dtype": str(torch.get_autocast_dtype("cpu")),
        "anomaly": str(torch.is_anomaly_enabled()),
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
