"""Seeds as a sweep can afford them."""

from __future__ import annotations

from typing import Any

from assay.apis.thinned import MOST_LISTED, MOST_SEEDS, shortened, thinned
from assay.autodiff.conventions import repeats_an_index


def tensor(*shape: int, dtype: str = "float64", **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), **more}


def pooled(**options: Any) -> dict[str, Any]:
    return {"args": [{"tensor": 0}], "kwargs": options, "tensors": [tensor(1, 2, 6, 6)]}


def test_of_a_product_of_options_each_option_is_kept() -> None:
    seeds = [
        pooled(kernel=k, stride=s, padding=p, dilation=d)
        for k in (2, 3)
        for s in (1, 2, 3, 4)
        for p in range(8)
        for d in (1, 2, 3, 4)
    ]
    kept = thinned(seeds)
    assert len(kept) == MOST_SEEDS
    for name in ("kernel", "stride", "padding", "dilation"):
        assert {each["kwargs"][name] for each in kept} == {each["kwargs"][name] for each in seeds}


def test_what_is_given_in_another_form_is_kept_however_seldom_it_is() -> None:
    seeds = [pooled(kernel=k) for k in range(500)]
    seeds.insert(250, pooled(kernel=2, ceil=True))
    seeds.insert(300, {**pooled(kernel=2), "tensors": [tensor(0, 2, 6, 6)]})
    kept = thinned(seeds)
    assert seeds[250] in kept
    assert seeds[300] in kept
    assert thinned(seeds[:3]) == seeds[:3]


def test_long_lists_are_cut_together_and_their_tensors_numbered_anew() -> None:
    one, other = [{"tensor": k} for k in range(9)], [{"tensor": k} for k in range(9, 18)]
    seed = {"args": [one, other], "kwargs": {"value": 2.0}, "tensors": [tensor(k) for k in range(18)]}
    short = shortened(seed)
    assert short["args"] == [[{"tensor": k} for k in range(4)], [{"tensor": k} for k in range(4, 8)]]
    assert [each["shape"] for each in short["tensors"]] == [[0], [1], [2], [3], [9], [10], [11], [12]]
    assert len(short["args"][0]) == MOST_LISTED
    uneven = {**seed, "args": [one, other[:3]]}
    assert shortened(uneven) == uneven


def test_an_index_counts_as_repeated_within_a_channel_only() -> None:
    def call(*values: int) -> dict[str, Any]:
        return {"tensors": [tensor(1, 2, 2), tensor(1, 2, 1, 2, dtype="int64", values=list(values))]}

    assert repeats_an_index(call(0, 0, 1, 2))
    assert not repeats_an_index(call(0, 1, 0, 1))
