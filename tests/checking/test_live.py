"""`assay.check` and the pytest fixture, on what lives in this process."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]
FAST: dict[str, Any] = {"transforms": 0, "sizes": False}


def test_a_module_with_hooks_and_closures_is_compared_and_left_as_it_was() -> None:
    import torch

    import assay

    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    calls = []
    module[0].register_forward_hook(lambda *given: calls.append(1))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    stream, folder = torch.get_rng_state(), torch.get_default_dtype()
    report = assay.check(module, torch.ones(2, 3), targets=["torch:eager"], **FAST)
    assert report.same, report
    assert [part.name for part in report.parts] == ["plain", "training", "derivatives"]
    assert "1 hooks" in report.facts[0]
    assert calls
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert torch.equal(stream, torch.get_rng_state())
    assert torch.get_default_dtype() is folder


def test_a_backend_may_be_the_function_itself() -> None:
    import torch
    from tests.checking.backends import negates_tanh

    import assay

    factor = torch.tensor(2.0)
    report = assay.check(
        lambda x: torch.tanh(x * factor), torch.ones(3), targets=[negates_tanh], training=False, **FAST
    )
    assert not report.same
    assert report.differences[0].operators == ("smooth.tanh (torch.tanh)",)


@pytest.mark.parametrize(
    ("subject", "targets", "said"),
    [(3, (), "must be callable"), (abs, ["nonsense"], "unknown target"), (abs, [lambda m, i: m], "can be imported")],
)
def test_a_mistake_is_told(subject: Any, targets: Any, said: str) -> None:
    import torch

    import assay
    from assay.campaign.mistake import UserMistake

    with pytest.raises(UserMistake, match=said):
        assay.check(subject, torch.ones(2), targets=targets)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("torch:tests.checking.backends.absent", "tests.checking.backends has no function 'absent'"),
        (
            "torch:tests.checking.subjects.broken.backend",
            "does not import: ModuleNotFoundError: ",
        ),
        ("torch:nonsense", "dynamo has no backend 'nonsense'"),
    ],
)
def test_a_backend_that_is_not_there_is_told(target: str, said: str) -> None:
    import torch

    import assay
    from assay.campaign.mistake import UserMistake

    with pytest.raises(UserMistake, match=said):
        assay.check(torch.tanh, torch.ones(2), targets=[target], **FAST)


@pytest.mark.parametrize("error", [AttributeError, KeyError, IndexError])
def test_an_error_of_ours_while_a_target_is_loaded_is_no_target_that_is_missing(error: type[Exception]) -> None:
    import torch  # noqa: F401

    from assay.execution.live import LiveBench

    def load(stem: str, path: str) -> None:
        raise error("ours")

    bench = LiveBench((), "assay_live", lambda: None)
    try:
        bench._load = load
        bench._runtime.modules.pop("torch:eager", None)
        with pytest.raises(error, match="ours"):
            bench._prepare("torch:eager")
    finally:
        bench.close()


def test_the_fixture_fails_with_the_screen_and_takes_the_marker_s_targets(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        """
        import pytest, torch

        quick = dict(transforms=0, sizes=False, training=False)

        @pytest.mark.assay(targets=["torch:tests.checking.backends.negates_tanh"], **quick)
        def test_wrong(assay):
            assay.check(torch.tanh, torch.ones(2))

        @pytest.mark.assay(targets=["torch:eager"], **quick)
        def test_right(assay):
            assert assay.check(torch.tanh, torch.ones(2)).same

        @pytest.mark.assay(targets=["torch:eager"], **quick)
        def test_misfit(assay):
            assay.check(torch.tanh, (torch.ones(2), torch.ones(2)))
        """
    )
    # Where the package is installed, pytest loads the plugin by itself.
    known = [point.name for point in entry_points(group="pytest11")]
    named = [] if "assay" in known else ["-p", "assay.pytest_plugin"]
    # The backends of tests can be imported there as they can here.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    # A process of its own: within this one, what it imports would be thrown away and imported a second time.
    result = pytester.runpytest_subprocess(*named, "--strict-markers", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    assert "1 difference" in text
    assert "smooth.tanh" in text
    assert "the inputs do not fit" in text
