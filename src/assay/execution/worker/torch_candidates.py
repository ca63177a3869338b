"""Which chosen indices are fragile: another element is so near to the chosen one that rounding may tip the choice."""

from __future__ import annotations

from typing import Any

import torch

MOST = 20_000_000
"""Comparisons beyond which every index counts as fragile."""

_POOLS = ("max_pool", "adaptive_max_pool", "fractional_max_pool")


def fragile(
    name: str, args: Any, kwargs: Any, h: torch.Tensor, slack: torch.Tensor, index: torch.Tensor
) -> torch.Tensor:
    """Where an index that ``name`` chose among ``h``, each element uncertain by ``slack``, may be another one."""
    if name.startswith(_POOLS):
        return _pooled(name, args, kwargs, h, slack, index)
    if name == "mode" or h.dim() == 0:
        return torch.ones_like(index, dtype=torch.bool) if h.dim() else torch.zeros_like(index, dtype=torch.bool)
    dim, kept = _dimension(name, args, kwargs)
    if dim is None:
        h, slack, flat = h.reshape(-1), slack.reshape(-1), index.reshape(-1)
        return _near(h, slack, flat, 0, False).reshape(index.shape)
    dim %= h.dim()
    chosen = index if index.dim() == h.dim() or kept else index.unsqueeze(dim)
    return _near(h, slack, chosen, dim, name in ("cummax", "cummin")).reshape(index.shape)


def searched(
    name: str, args: Any, kwargs: Any, h: torch.Tensor, slack: torch.Tensor, index: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, int | None] | None:
    """What ``name`` searched: rows of values, rows of how far each may move, and the dimension of the index that counts
    within a row; None where the index has a row after the other. None where an index stands for no such row."""
    if name == "mode" or h.dim() == 0:
        return None
    if name.startswith(_POOLS):
        spatial = next((int(sign) for sign in name if sign.isdigit()), 2)
        return h.flatten(-spatial).flatten(0, -2), slack.flatten(-spatial).flatten(0, -2), None
    dim, _ = _dimension(name, args, kwargs)
    if dim is None:
        return h.reshape(1, -1), slack.reshape(1, -1), None
    dim %= h.dim()
    rows = [each.movedim(dim, -1).reshape(-1, each.shape[dim]) for each in (h, slack)]
    return rows[0], rows[1], dim if index.dim() == h.dim() else None


def _dimension(name: str, args: Any, kwargs: Any) -> tuple[int | None, bool]:
    """The dimension that was searched, None for all, and whether the index keeps it."""
    rest = list(args[1:])
    if name in ("topk", "kthvalue"):
        dim = kwargs.get("dim", rest[1] if len(rest) > 1 else -1)
        return dim, name == "topk"
    if name in ("sort", "argsort") and ("stable" in kwargs or (rest and isinstance(rest[0], bool))):
        dim = kwargs.get("dim", rest[1] if len(rest) > 1 else -1)
        return dim, True
    default = -1 if name in ("sort", "argsort") else None
    return kwargs.get("dim", rest[0] if rest else default), name in ("sort", "argsort", "cummax", "cummin")


def _near(h: torch.Tensor, slack: torch.Tensor, chosen: torch.Tensor, dim: int, before: bool) -> torch.Tensor:
    """Whether another element along ``dim`` is near to the chosen one; with ``before``, of those up to its place."""
    h, slack, chosen = h.movedim(dim, -1), slack.movedim(dim, -1), chosen.movedim(dim, -1)
    if chosen.numel() * max(h.shape[-1], 1) > MOST:
        return torch.ones_like(chosen, dtype=torch.bool).movedim(-1, dim)
    value, off = h.gather(-1, chosen).unsqueeze(-1), slack.gather(-1, chosen).unsqueeze(-1)
    gap, reach = (h.unsqueeze(-2) - value).abs(), slack.unsqueeze(-2) + off
    places = torch.arange(h.shape[-1])
    near = (gap <= reach) & (reach > 0) & (places != chosen.unsqueeze(-1))
    if before:
        near &= places <= torch.arange(chosen.shape[-1]).unsqueeze(-1)
    return near.any(-1).movedim(-1, dim)


def _pooled(
    name: str, args: Any, kwargs: Any, h: torch.Tensor, slack: torch.Tensor, index: torch.Tensor
) -> torch.Tensor:
    """Whether another element of its window is near to the one that a window chose. Adaptive windows are taken to be
    the whole plane, which errs to the side of fragile."""
    spatial = next((int(sign) for sign in name if sign.isdigit()), 2)
    sizes, outer = h.shape[h.dim() - spatial :], h.shape[: h.dim() - spatial]
    places = torch.arange(sizes.numel()).reshape(sizes)
    if not name.startswith("max_pool"):
        flat = [each.reshape(*outer, -1) for each in (h, slack)]
        return _near(*flat, index.reshape(*outer, -1), -1, False).reshape(index.shape)  # type: ignore[call-arg]
    given = dict(zip(("kernel_size", "stride", "padding", "dilation"), args[1:]), **kwargs)  # noqa: B905 -- Python 3.9
    kernel = _each(given["kernel_size"], spatial)
    stride = _each(given.get("stride") or kernel, spatial)
    padding, dilation = _each(given.get("padding", 0), spatial), _each(given.get("dilation", 1), spatial)
    inside = torch.ones(sizes, dtype=torch.bool)
    for d in range(spatial):
        starts = torch.arange(index.shape[index.dim() - spatial + d]) * stride[d] - padding[d]
        at = (starts.unsqueeze(1) + torch.arange(kernel[d]) * dilation[d]).flatten()
        valid, at = (at >= 0) & (at < sizes[d]), at.clamp(0, sizes[d] - 1)
        h, slack = (each.index_select(len(outer) + d, at) for each in (h, slack))
        places = places.index_select(d, at)
        inside = inside.index_select(d, at) & valid.reshape([-1 if k == d else 1 for k in range(spatial)])
    h, slack, places, inside = (_by_window(each, kernel, spatial) for each in (h, slack, places, inside))
    chosen = index.unsqueeze(-1)
    here = (places == chosen) & inside
    value = torch.where(here, h, -torch.inf).amax(-1, keepdim=True)
    off = torch.where(here, slack, 0.0).amax(-1, keepdim=True)
    near = inside & ~here & ((h - value).abs() <= slack + off) & (slack + off > 0)
    return near.any(-1)


def _by_window(tensor: torch.Tensor, kernel: list[int], spatial: int) -> torch.Tensor:
    """From (..., o1*k1, o2*k2) to (..., o1, o2, k1*k2)."""
    outer = tensor.dim() - spatial
    shape = list(tensor.shape[:outer])
    for d in range(spatial):
        shape += [tensor.shape[outer + d] // kernel[d], kernel[d]]
    tensor = tensor.reshape(shape)
    order = [*range(outer), *(outer + 2 * d for d in range(spatial)), *(outer + 2 * d + 1 for d in range(spatial))]
    return tensor.permute(order).flatten(outer + spatial)


def _each(value: Any, count: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * count if len(values) == 1 else values
