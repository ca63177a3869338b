"""Of which outputs a loss is taken."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from assay.execution.worker.torch_runtime import _cotangents  # noqa: E402 -- what is below needs torch

pytestmark = pytest.mark.torch


def test_a_view_made_without_gradients_has_nowhere_to_send_one() -> None:
    parameter = torch.nn.Parameter(torch.ones(4))
    with torch.no_grad():
        view = torch.unflatten(parameter, 0, (1, 4))
    # That torch says so of it is what makes it a root to stumble over.
    view.requires_grad_()
    assert _cotangents((view,)) == ([], [])


def test_inputs_and_what_is_computed_of_them_are_roots() -> None:
    leaf = torch.ones(6)[1:].requires_grad_()
    roots, cotangents = _cotangents((leaf, leaf * 2, torch.ones(2)))
    assert len(roots) == 2
    torch.autograd.backward(roots, cotangents)
    assert leaf.grad is not None
    assert leaf.grad.tolist() == [-2.0 + 2 * 1, 0.0 + 2 * -2, 2.0 + 2 * 0, -1.0 + 2 * 2, 1.0 + 2 * -1]
