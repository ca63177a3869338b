"""Calls as data: written as text that runs, mutated without losing what belongs together, dealt breadth first."""

import random

import pytest

from assay.apis.mutate import mutated
from assay.apis.seeds import UnknownApi, from_json
from assay.apis.source import ApiSource
from assay.apis.text import render
from assay.ir.case import DERIVATIVES

DATA = {
    "library": "torch",
    "version": "2.13.0",
    "apis": [
        {
            "name": "torch.addmm",
            "callee": "torch.addmm",
            "kind": "function",
            "origin": "opinfo",
            "seeds": [
                {
                    "args": [{"tensor": 0}, {"tensor": 1}, {"tensor": 2}],
                    "kwargs": {"beta": 0.5},
                    "tensors": [
                        {"dtype": "float64", "shape": [], "values": [2.0]},
                        {"dtype": "float64", "shape": [2, 3], "values": [1.0, -2.0, 0.5, 3.0, 0.25, -1.0]},
                        {"dtype": "float64", "shape": [3, 30], "low": -2.0, "high": 3.0},
                    ],
                },
                {"args": [{"tensor": 0}] * 3, "kwargs": {}, "tensors": [{"dtype": "float64", "shape": [0, 0]}]},
            ],
        },
        {
            "name": "torch.Tensor.scatter_add_",
            "callee": "torch.Tensor.scatter_add_",
            "kind": "method",
            "origin": "opinfo",
            "inplace": True,
            "seeds": [
                {
                    "args": [{"tensor": 0}, 0, {"tensor": 1}, {"tensor": 2}],
                    "kwargs": {},
                    "tensors": [
                        {"dtype": "float64", "shape": [3], "values": [1.0, 2.0, 3.0]},
                        {"dtype": "int64", "shape": [2], "values": [0, 2]},
                        {"dtype": "float64", "shape": [2], "values": [5.0, 7.0]},
                    ],
                }
            ],
        },
        {
            "name": "torch.nn.Linear",
            "callee": "torch.nn.Linear",
            "kind": "module",
            "origin": "modules",
            "seeds": [
                {
                    "init": {"args": [2, 1], "kwargs": {}},
                    "args": [{"tensor": 0}],
                    "kwargs": {},
                    "state": {"weight": 1, "bias": 2},
                    "tensors": [
                        {"dtype": "float64", "shape": [2], "values": [1.0, -1.0]},
                        {"dtype": "float64", "shape": [1, 2], "values": [3.0, 2.0]},
                        {"dtype": "float64", "shape": [1], "values": [0.5]},
                    ],
                }
            ],
        },
        {
            "name": "torch.fft.fft",
            "callee": "torch.fft.fft",
            "kind": "function",
            "origin": "opinfo",
            "seeds": [
                {
                    "args": [{"tensor": 0}],
                    "kwargs": {"norm": "ortho"},
                    "tensors": [{"dtype": "complex128", "shape": [2], "values": [[1.0, 2.0], [0.0, "inf"]]}],
                }
            ],
        },
    ],
    "unreached": [{"name": "torch.foo", "reason": "needs a GPU"}],
}
SEEDS = from_json(DATA)


def run(text):
    space = {}
    exec(compile(text, "call.py", "exec"), space)
    return space["program"](*space["inputs"]())


def call(name, number=0):
    (api,) = (each for each in SEEDS.apis if each.name == name)
    return api.seeds[number]


@pytest.mark.torch
def test_the_text_of_a_call_is_a_function_of_all_its_tensors():
    import torch

    made = run(render(call("torch.addmm")))
    assert (made.shape, made.dtype) == ((2, 30), torch.float64)
    assert torch.equal(run(render(call("torch.nn.Linear"))), torch.tensor([1.5], dtype=torch.float64))


@pytest.mark.torch
def test_what_a_call_writes_is_a_copy():
    import torch

    text = render(call("torch.Tensor.scatter_add_"))
    assert "x0.clone()" in text
    assert torch.equal(run(text), torch.tensor([6.0, 2.0, 10.0], dtype=torch.float64))


def test_elements_that_are_not_finite_and_complex_ones_are_written_as_they_are():
    assert 'complex(0.0, float("inf"))' in render(call("torch.fft.fft")) or "infj" in render(call("torch.fft.fft"))


@pytest.mark.torch
def test_layouts_are_those_that_are_said():
    import copy

    made = copy.deepcopy(call("torch.addmm"))
    made["tensors"][1]["layout"] = {"transposed": True}
    made["tensors"][2]["layout"] = {"strided": True}
    space = {}
    exec(render(made), space)
    _, one, other = space["inputs"]()
    assert one.stride() == (1, 2)
    assert other.stride() == (60, 2)
    made["tensors"][2]["layout"] = {"expanded": [0]}
    exec(render(made), space)
    assert space["inputs"]()[2].stride() == (0, 1)
    made["tensors"][2]["layout"] = {"overlapping": True}
    exec(render(made), space)
    assert space["inputs"]()[2].stride() == (1, 1)


@pytest.mark.torch
def test_many_mutations_run_and_all_are_python():
    """Some are refused: that is what trying is for. But enough of them are not."""
    rng, ran, total = random.Random(0), 0, 600
    for _ in range(total):
        api = rng.choice(SEEDS.apis[:3])
        text = render(mutated(rng.choice(api.seeds), rng))
        compile(text, "call.py", "exec")
        try:
            run(text)
        except Exception:
            continue
        ran += 1
    assert ran > total * 0.4


def test_a_mutation_leaves_the_seed_and_is_a_function_of_the_seed_of_chance():
    import copy

    seed = call("torch.addmm")
    before = copy.deepcopy(seed)
    one, other = (mutated(seed, random.Random(7)) for _ in range(2))
    assert seed == before
    assert one == other
    assert any(mutated(seed, random.Random(k))["tensors"] != seed["tensors"] for k in range(10))


def test_seeds_with_elements_come_first_and_functions_before_second_seeds():
    source = ApiSource(SEEDS, 3, "eager")
    assert source.sweep == 5
    names = [source.make(index).operators[0] for index in range(5)]
    assert sorted(names[:4]) == sorted(each.name for each in SEEDS.apis)
    assert names[4] == "torch.addmm"
    assert "fill((3, 30)" in source.make(names.index("torch.addmm")).text


def test_a_case_is_a_function_of_seed_and_index():
    one, other = ApiSource(SEEDS, 3, "eager"), ApiSource(SEEDS, 3, "eager")
    assert [one.make(k).id for k in range(40)] == [other.make(k).id for k in reversed(range(40))][::-1]
    assert one.make(30).id != ApiSource(SEEDS, 4, "eager").make(30).id


def test_a_case_is_for_the_interpreter_that_has_the_library():
    assert ApiSource(SEEDS, 3, "eager@/opt/python").make(0).target == "eager@/opt/python"


def test_every_function_is_traced_once_in_a_sweep():
    source = ApiSource(SEEDS, 3, "eager")
    cases = [source.make(index) for index in range(source.sweep)]
    traced = [case.operators[0] for case in cases if case.options[DERIVATIVES].get("traced")]
    assert set(traced) == {each.name for each in SEEDS.apis}


def test_long_formulas_are_always_differentiated_three_times():
    linear = from_json({**DATA, "apis": [{**DATA["apis"][0], "name": "torch.linalg.solve"}]})
    assert all(ApiSource(linear, 1, "eager").make(k).options[DERIVATIVES]["order"] == 3 for k in range(20))


def test_of_what_is_dear_the_further_seeds_are_mostly_differentiated_once():
    def orders(library, name):
        api = {**DATA["apis"][0], "name": name, "seeds": DATA["apis"][0]["seeds"][:1] * 40}
        source = ApiSource(from_json({**DATA, "library": library, "apis": [api]}), 1, library)
        return [source.make(index).options[DERIVATIVES]["order"] for index in range(40)]

    assert 1 not in orders("torch", "torch.sin")
    assert min(orders("jax", "jax.numpy.sin")[:2]) > 1
    assert 20 <= orders("jax", "jax.numpy.sin").count(1) <= 35
    assert orders("jax", "jax.scipy.stats.norm.pdf").count(3) < 10 < orders("torch", "torch.norm").count(3)


def test_names_and_globs_choose_and_an_unknown_one_is_one_line():
    assert [each.name for each in SEEDS.chosen(["torch.a*"]).apis] == ["torch.addmm"]
    assert len(SEEDS.chosen([], ["torch.nn.*"]).apis) == 3
    with pytest.raises(UnknownApi, match=r"no function of torch is called 'torch.addm'"):
        SEEDS.chosen(["torch.addm"])
