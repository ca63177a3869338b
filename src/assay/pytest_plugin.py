"""The pytest plugin: a fixture ``assay`` whose ``check`` fails the test with one screen of what differs.

    @pytest.mark.assay(targets=["inductor"], transforms=0)
    def test_my_net(assay):
        assay.check(Net(), (torch.randn(2, 8),))

Loaded by every run of pytest in an environment with Assay, so that nothing but pytest is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from assay.checking.report import Report

MARKER = (
    "assay(targets, transforms, training, sizes, derivatives, seconds, out): what assay.check takes unless a call says"
    " otherwise"
)


class Checker:
    """What the fixture ``assay`` is: `assay.check` that raises, with the settings of the test's markers."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)

    def check(
        self,
        subject: Callable[..., Any],
        example_inputs: Any = (),
        kwargs: Mapping[str, Any] | None = None,
        **rest: Any,
    ) -> Report:
        """Check as `assay.check` does. Raises AssertionError with one screen where something differs; the test fails
        with one line where there is nothing to compare."""
        __tracebackhide__ = True
        import assay
        from assay.campaign.mistake import UserMistake

        try:
            report = assay.check(subject, example_inputs, kwargs, **{**self._settings, **rest})
        except UserMistake as mistake:
            pytest.fail(f"assay: {mistake}", pytrace=False)
        if not report.same:
            raise AssertionError(f"compiled is not as eager\n\n{report}")
        return report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Targets for a whole run."""
    group = parser.getgroup("assay", "comparing eager and compiled")
    group.addoption(
        "--assay-target",
        action="append",
        default=[],
        metavar="T",
        help="what the fixture assay compares with, in place of what markers say; may be repeated",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def assay(request: pytest.FixtureRequest) -> Checker:
    """Compares a function or module, eager against compiled: ``assay.check(module, example_inputs)``."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("assay"))):
        settings |= marker.kwargs
    if targets := request.config.getoption("--assay-target"):
        settings["targets"] = targets
    return Checker(settings)
