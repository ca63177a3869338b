"""Assay: a fuzzer for deep-learning compilers and automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.checking.defaults import DERIVATIVES, SECONDS, TRANSFORMED

if TYPE_CHECKING:
    import os

    from assay.checking.report import Report

__version__ = "0.1.0"
__all__ = ["__version__", "check"]


def check(
    subject: Callable[..., Any],
    example_inputs: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    targets: Sequence[str | Callable[..., Any]] = (),
    transforms: int = TRANSFORMED,
    training: bool = True,
    sizes: bool = True,
    derivatives: int = DERIVATIVES,
    seconds: float = SECONDS,
    out: str | os.PathLike[str] | None = None,
) -> Report:
    """Compare a function or nn.Module of this process, eager against compiled: as it is, at other sizes, in training,
    under ``transforms`` transformed programs; and differentiated in every way up to the order ``derivatives``.

    It is called as ``subject(*example_inputs, **kwargs)``, modules in copies, here in this process; docs/check.md says
    what that means. ``targets`` are those of `assay fuzz`, or backends of torch.compile; without any, every layer of
    torch.compile. Nothing is begun after so many ``seconds``, and scripts are written to the folder ``out``.
    The report's ``same`` says whether nothing differs, ``differences`` what does; as text it is one screen.

    Raises `assay.campaign.mistake.UserMistake`, one line, where there is nothing to compare: inputs that do not fit, a
    subject that is not deterministic, a target that is not there.
    """
    from assay.checking.live import check_live

    return check_live(
        subject,
        example_inputs,
        kwargs,
        targets=targets,
        transforms=transforms,
        training=training,
        sizes=sizes,
        derivatives=derivatives,
        seconds=seconds,
        out=out,
    )
