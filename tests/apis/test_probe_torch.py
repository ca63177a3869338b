"""What is collected of the installed PyTorch can be called again from what is written down, and comes to the same."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import assay.apis
from assay.collected import ENVIRONMENT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

FOLDER = Path(assay.apis.__file__).parent
ASKED = (
    *("mm", "add", "linalg.qr", "linalg.cholesky", "mT", "nn.functional.dropout", "eq", "jiterator_unary"),
    *("torch.nn.Linear", "torch.nn.BatchNorm2d", "torch.nn.LazyConv1d"),
    *("torch.ops.aten.threshold_backward.default", "torch.ops.aten.cudnn_convolution.default"),
)


@pytest.fixture(scope="module")
def printed() -> dict[str, Any]:
    pytest.importorskip("expecttest")
    command = [sys.executable, str(FOLDER / "probe_torch.py"), *ASKED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("calls_torch")


def tensor(told: dict[str, Any]) -> Any:
    dtype = getattr(torch, told["dtype"])
    if "values" not in told:
        drawn = torch.empty(told["shape"], dtype=torch.float64).uniform_(told["low"], told["high"])
        return drawn.to(dtype)
    parts = [[float(part) for part in each] if isinstance(each, list) else float(each) for each in told["values"]]
    values = [complex(*each) for each in parts] if dtype.is_complex else parts
    return torch.tensor(values, dtype=dtype).reshape(told["shape"])


def value(told: Any, tensors: list[Any]) -> Any:
    if isinstance(told, list):
        return [value(each, tensors) for each in told]
    if not isinstance(told, dict):
        return told
    ((form, inner),) = told.items()
    if form == "tensor":
        return tensors[inner]
    if form == "tuple":
        return tuple(value(each, tensors) for each in inner)
    return {"float": float, "code": eval, "complex": lambda parts: complex(*parts)}[form](inner)


def called(api: dict[str, Any], seed: dict[str, Any]) -> tuple[list[Any], Any]:
    """The tensors, and the result."""
    tensors = [tensor(each) for each in seed["tensors"]]
    what = eval(api["callee"], {"torch": torch})
    args, kwargs = value(seed["args"], tensors), {k: value(v, tensors) for k, v in seed["kwargs"].items()}
    if api["kind"] == "module":
        made = {k: value(v, tensors) for k, v in seed["init"]["kwargs"].items()}
        module = what(*value(seed["init"]["args"], tensors), **made).to(torch.float64)
        state = {name: tensors[index] for name, index in seed["state"].items()}
        return tensors, torch.func.functional_call(module, state, tuple(args), kwargs)
    return tensors, what(*args, **kwargs)


@pytest.mark.slow
def test_what_is_asked_for_is_told_of_or_the_reason_why_not(printed: dict[str, Any]) -> None:
    apis = {each["name"]: each for each in printed["apis"]}
    assert printed["library"] == "torch"
    assert printed["version"] == torch.__version__
    assert len(apis) == len(printed["apis"])
    kinds = {name: (api["kind"], api["origin"], api["inplace"]) for name, api in apis.items()}
    assert kinds["torch.add"] == ("function", "opinfo", False)
    assert kinds["torch.Tensor.add_"] == ("method", "opinfo", True)
    assert kinds["torch.Tensor.mT.__get__"] == ("method", "opinfo", False)
    assert kinds["torch.nn.functional.dropout"] == ("function", "opinfo", False)
    assert kinds["torch.nn.BatchNorm2d"] == ("module", "modules", False)
    assert kinds["torch.ops.aten.threshold_backward.default"] == ("operator", "schema", False)
    reasons = {each["name"]: each["reason"] for each in printed["unreached"]}
    assert reasons["OpInfo eq"] == "no result of floating point"
    assert "OpInfo jiterator_unary" in reasons
    assert "lazy" in reasons["torch.nn.LazyConv1d"]
    assert "no kernel" in reasons["torch.ops.aten.cudnn_convolution.default"]


@pytest.mark.slow
def test_every_seed_can_be_called_again_and_is_finite(printed: dict[str, Any]) -> None:
    shapes = {
        "torch.mm": lambda left, right: (left.shape[0], right.shape[1]),
        "torch.add": lambda left, right=None: torch.broadcast_shapes(left.shape, () if right is None else right.shape),
        "torch.linalg.cholesky": lambda matrix: matrix.shape,
        "torch.nn.functional.dropout": lambda given: given.shape,
        "torch.nn.BatchNorm2d": lambda given, *_: given.shape,
        "torch.nn.Linear": lambda given, weight, *_: (*given.shape[:-1], weight.shape[0]),
    }
    compared = set()
    for api in printed["apis"]:
        for seed in api["seeds"]:
            tensors, result = called(api, seed)
            results = [result] if isinstance(result, torch.Tensor) else list(result)
            assert all(bool(each.isfinite().all()) for each in results), (api["name"], seed)
            if api["name"] in shapes:
                assert tuple(results[0].shape) == tuple(shapes[api["name"]](*tensors)), (api["name"], seed)
                compared.add(api["name"])
    assert compared == set(shapes)


@pytest.mark.slow
def test_seeds_are_distinct_and_begin_with_the_small_ones_that_have_elements(printed: dict[str, Any]) -> None:
    for api in printed["apis"]:
        texts = [json.dumps(seed) for seed in api["seeds"]]
        assert len(set(texts)) == len(texts) > 0
        sizes = [[math.prod(each["shape"]) for each in seed["tensors"]] for seed in api["seeds"]]
        full = [sum(each) for each in sizes if 0 not in each]
        assert full == sorted(full)
        assert [0 in each for each in sizes] == sorted(0 in each for each in sizes)


@pytest.mark.slow
def test_nothing_of_the_library_gets_between_what_is_printed(printed: dict[str, Any]) -> None:
    assert set(printed) == {"library", "version", "python", "apis", "unreached"}
    used = {key for api in printed["apis"] for seed in api["seeds"] for key in seed}
    assert used == {"args", "kwargs", "tensors", "init", "state"}


def test_a_large_tensor_is_told_by_its_range_unless_it_has_structure(calls: Any) -> None:
    torch.manual_seed(0)
    square = torch.rand(10, 10, dtype=torch.float64)
    assert set(calls.described(square, whole=False)) == {"dtype", "shape", "low", "high"}
    for matrix in (square + square.mT, square.triu()):
        again = calls.built(calls.described(matrix, whole=False))
        assert torch.allclose(again, matrix, rtol=1e-3)
    orthonormal = torch.linalg.qr(square)[0]
    assert torch.equal(calls.built(calls.described(orthonormal, whole=False)), orthonormal)


def test_elements_are_short_whole_on_demand_and_may_be_complex_or_not_finite(calls: Any) -> None:
    given = torch.tensor([1 / 3, math.inf, -math.inf, math.nan], dtype=torch.float64)
    told = calls.described(given, whole=False)
    assert json.loads(json.dumps(told))["values"] == [0.3333, "inf", "-inf", "nan"]
    assert torch.equal(calls.built(calls.described(given, whole=True))[:3], given[:3])
    turned = torch.tensor([1 + 2j]).conj()
    assert calls.described(turned.resolve_conj(), whole=False)["values"] == [[1.0, -2.0]]


def test_a_call_shares_a_tensor_that_is_passed_twice_and_refuses_what_has_no_form(calls: Any) -> None:
    given = torch.ones(2)
    call = calls.Call((given, [given, 2]), {"dtype": torch.float64, "dims": (0, slice(1, None)), "p": math.inf})
    assert call.args == [{"tensor": 0}, [{"tensor": 0}, 2]]
    assert call.kwargs == {
        "dtype": {"code": "torch.float64"},
        "dims": {"tuple": [0, {"code": "slice(1, None, None)"}]},
        "p": {"float": "inf"},
    }
    with pytest.raises(calls.Unusable, match="function"):
        calls.Call((given, len), {})
