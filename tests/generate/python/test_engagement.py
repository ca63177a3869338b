"""What the source ``python`` is made of, each by itself: Dynamo traces it whole, or it says that it breaks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from benchmarks.python_engagement import alone, engagement  # noqa: E402

from assay.generate.python.changes import CHANGES, Change  # noqa: E402
from assay.generate.python.feature import Feature, features  # noqa: E402

# Another release traces more, or less: `python -m benchmarks.python_engagement` says what to flag for it.
RELEASE = "2.13"
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not torch.__version__.startswith(RELEASE), reason=f"the flags are those of torch {RELEASE}"),
]

# What should be traced and is not, because of a fault of the release that the feature is there to show.
FAULTS = {
    "class.descriptor of both": "a guard on the class's __dict__ fails in the frame that made it, which Dynamo raises",
}


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch._dynamo.reset()


@pytest.mark.parametrize("what", [*features(), *CHANGES], ids=lambda each: each.name)
def test_it_engages_unless_it_says_that_it_breaks(what: Feature | Change) -> None:
    found = engagement(alone(what), {})
    breaks = isinstance(what, Feature) and what.breaks
    assert found["engaged"] == (not breaks and what.name not in FAULTS), (found["reason"], found["line"])


def test_faults_name_features_that_do_not_say_that_they_break() -> None:
    assert set(FAULTS) <= {each.name for each in features() if not each.breaks}


def test_a_branch_on_data_counts_as_no_engagement() -> None:
    """Dynamo compiles both sides of it and counts no graph break."""
    found = engagement(alone(next(each for each in features() if each.name == "tensor.data dependent")), {})
    assert found["graphs"] > 1
    assert not found["engaged"]
    assert "u2.sum() > 3" in found["line"]
