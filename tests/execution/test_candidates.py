"""A chosen index is fragile where another element that could have been chosen is near: against a loop over all."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from assay.execution.worker import torch_candidates  # noqa: E402 -- imports torch

pytestmark = pytest.mark.torch


def uncertain(seed: int, *shape: int) -> tuple[Any, Any]:
    """Numbers of which some are near each other and some are equal, and by how much each is uncertain."""
    generator = torch.Generator().manual_seed(seed)
    h = torch.randint(0, 12, shape, generator=generator).double() / 4
    return h, torch.randint(0, 3, shape, generator=generator).double() / 10


def near(h: Any, slack: Any, one: Any, other: Any) -> bool:
    """Whether two elements may be the other way round; never where neither is uncertain."""
    reach = float(slack[one] + slack[other])
    return reach > 0 and abs(float(h[one] - h[other])) <= reach


Along = Callable[..., Any]
ALONG: dict[str, Along] = {
    "argmax": lambda x, dim: torch.argmax(x, dim),
    "argmin": lambda x, dim: torch.argmin(x, dim),
    "max": lambda x, dim: torch.max(x, dim)[1],
    "min": lambda x, dim: torch.min(x, dim)[1],
    "median": lambda x, dim: torch.median(x, dim)[1],
    "cummax": lambda x, dim: torch.cummax(x, dim)[1],
    "cummin": lambda x, dim: torch.cummin(x, dim)[1],
    "sort": lambda x, dim: torch.sort(x, dim)[1],
}


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("name", ALONG)
def test_along_a_dimension_every_other_element_is_a_candidate(name: str, dim: int, keepdim: bool) -> None:
    keeps = name in ("cummax", "cummin", "sort")
    args = (dim,) if keeps else (dim, keepdim)
    for seed in range(6):
        h, slack = uncertain(seed, 3, 4, 5)
        index = ALONG[name](h, dim)
        found = torch_candidates.fragile(
            name, (h, *args), {}, h, slack, index if keeps or not keepdim else index.unsqueeze(dim)
        )
        found = found if keeps or not keepdim else found.squeeze(dim)
        expected = torch.zeros(index.shape, dtype=torch.bool)
        for place in itertools.product(*map(range, index.shape)):
            line = list(place)
            if not keeps:
                line.insert(dim % 3, 0)
            last = place[dim % 3] if name in ("cummax", "cummin") else h.shape[dim] - 1
            lines = [(*line[: dim % 3], step, *line[dim % 3 + 1 :]) for step in range(last + 1)]
            chosen = lines[int(index[place])]
            expected[place] = any(near(h, slack, chosen, other) for other in lines if other != chosen)
        assert torch.equal(found, expected), seed
        assert expected.any()
        assert not expected.all()


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "choose"),
    [
        ("topk", (3, 1), {}, lambda x: torch.topk(x, 3, 1)[1]),
        ("topk", (2,), {"dim": 0}, lambda x: torch.topk(x, 2, 0)[1]),
        ("sort", (), {"stable": True, "dim": 0}, lambda x: torch.sort(x, stable=True, dim=0)[1]),
        ("sort", (True, 1, False), {}, lambda x: torch.sort(x, stable=True, dim=1)[1]),
    ],
)
def test_the_dimension_is_read_from_where_the_operation_has_it(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], choose: Callable[[Any], Any]
) -> None:
    h, slack = uncertain(1, 4, 5)
    index = choose(h)
    dim = kwargs.get("dim", 1)
    expected = torch.zeros(index.shape, dtype=torch.bool)
    for row, column in itertools.product(*map(range, index.shape)):
        step = int(index[row, column])
        lines = [(other, column) if dim == 0 else (row, other) for other in range(h.shape[dim])]
        expected[row, column] = any(near(h, slack, lines[step], each) for each in lines if each != lines[step])
    assert torch.equal(torch_candidates.fragile(name, (h, *args), kwargs, h, slack, index), expected)


def test_without_a_dimension_all_elements_are_candidates() -> None:
    h, slack = torch.tensor([[1.0, 5.0], [4.8, 0.0]]).double(), torch.full((2, 2), 0.15).double()
    best = torch.tensor(1)
    assert bool(torch_candidates.fragile("argmax", (h,), {}, h, slack, best))
    assert not bool(torch_candidates.fragile("argmax", (h,), {}, h, slack / 2, best))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_equal_elements_that_are_exact_are_not_fragile(name: str) -> None:
    # Which of them is chosen is promised, so that no rounding excuses another one.
    h = torch.ones(4).double()
    assert not bool(torch_candidates.fragile(name, (h,), {}, h, torch.zeros(4).double(), torch.tensor(0)))


def windows(h: Any, index: Any, geometry: list[tuple[int, int, int, int]]) -> Iterator[tuple[Any, list[Any]]]:
    """Each place of the result with the places that its window covers; ``geometry`` is kernel, stride, padding and
    dilation per dimension."""
    spatial = len(geometry)
    for place in itertools.product(*map(range, index.shape)):
        outer, inner = place[:-spatial], place[-spatial:]
        reached = [
            [at for k in range(kernel) if 0 <= (at := out * stride - padding + k * dilation) < size]
            for out, (kernel, stride, padding, dilation), size in zip(inner, geometry, h.shape[-spatial:], strict=True)
        ]
        yield place, [(*outer, *at) for at in itertools.product(*reached)]


@pytest.mark.parametrize("spatial", [2, 3])
def test_of_a_window_every_other_element_in_it_is_a_candidate(spatial: int) -> None:
    draw = random.Random(5)
    pool = torch.nn.functional.max_pool2d if spatial == 2 else torch.nn.functional.max_pool3d
    fragile = 0
    for seed in range(25):
        kernel = [draw.randint(1, 3) for _ in range(spatial)]
        stride = [draw.randint(1, 3) for _ in range(spatial)]
        padding = [draw.randint(0, k // 2) for k in kernel]
        dilation = [draw.randint(1, 2) for _ in range(spatial)]
        sizes = [draw.randint(5, 7) for _ in range(spatial)]
        h, slack = uncertain(seed, *draw.choice([(2,), (1, 2)]), *sizes)
        ceil = draw.random() < 0.5
        _, index = pool(h, kernel, stride, padding, dilation, ceil, return_indices=True)
        name = f"max_pool{spatial}d_with_indices"
        found = torch_candidates.fragile(name, (h, kernel, stride, padding, dilation, ceil), {}, h, slack, index)
        for place, covered in windows(h, index, list(zip(kernel, stride, padding, dilation, strict=True))):
            chosen = (*place[:-spatial], *map(int, torch.unravel_index(index[place], h.shape[-spatial:])))
            assert chosen in covered
            expected = any(near(h, slack, chosen, other) for other in covered if other != chosen)
            assert bool(found[place]) == expected, (seed, place)
            fragile += expected
    assert fragile > 50


def test_a_window_without_a_stride_moves_by_its_size() -> None:
    h = torch.arange(16).reshape(1, 4, 4).double()
    h[0, 1, 1] = h[0, 1, 0] = 9.0
    slack = torch.where(h == 9.0, 0.1, 0.0)
    _, index = torch.nn.functional.max_pool2d(h, 2, return_indices=True)
    for args in ((h, [2, 2]), (h, [2, 2], [])):
        found = torch_candidates.fragile("max_pool2d_with_indices", args, {}, h, slack, index)
        assert found.tolist() == [[[True, False], [False, False]]]


def test_of_an_adaptive_window_the_whole_plane_is_taken() -> None:
    h = torch.tensor([[[1.0, 9.0], [3.0, 9.05]]]).double()
    _, index = torch.nn.functional.adaptive_max_pool2d(h, (1, 2), return_indices=True)
    wide = torch_candidates.fragile("adaptive_max_pool2d", (h, [1, 2]), {}, h, torch.full_like(h, 0.1), index)
    # Neither has a rival in its own window, which is a column: this errs to the side of fragile.
    assert bool(wide.any())
    narrow = torch_candidates.fragile("adaptive_max_pool2d", (h, [1, 2]), {}, h, torch.full_like(h, 0.01), index)
    assert not bool(narrow.any())


def test_what_would_take_too_long_to_compare_is_fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    h, slack = torch.arange(10.0).double(), torch.zeros(10).double()
    index = torch.arange(10)
    assert not bool(torch_candidates.fragile("sort", (h,), {}, h, slack, index).any())
    monkeypatch.setattr(torch_candidates, "MOST", 99)
    assert bool(torch_candidates.fragile("sort", (h,), {}, h, slack, index).all())
