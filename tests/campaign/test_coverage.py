"""A run's coverage is that of its cases, made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.campaign.fakes import PASS, fake_parts, run_engine

from assay import __version__
from assay.campaign.coverage import cover
from assay.campaign.mistake import UserMistake
from assay.campaign.settings import CampaignSettings
from assay.campaign.store import Store, create
from assay.generate.coverage import TITLES
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ops.catalogue import load
from assay.oracles.verdict import Judgement, Verdict

CASES = 12
OPERATORS = tuple(load())[:40]
TARGETS = ("eager", "aot_eager")
SETTINGS = Settings(5, OPERATORS, 4, TARGETS)


def judged(index: int) -> Judgement:
    return Judgement(Verdict.Invalid, None, "", "", "") if index == 3 else PASS


def make(index: int) -> Case:
    return make_case(SETTINGS, index)


def run_of(folder: Path, version: str = __version__, operators: tuple[str, ...] = OPERATORS) -> Store:
    """A run whose cases are real, on a system that is not; the case at index 3 is invalid."""
    settings = CampaignSettings(seed=5, operators=operators, nodes=4, targets=TARGETS, cases=CASES)
    store = create(folder, {"version": version, "settings": settings.to_json()})
    run_engine(store, fake_parts(judged, make=make), cases=CASES)
    return store


def test_every_valid_case_counts_on_its_target(tmp_path: Path) -> None:
    cases = [make(index) for index in range(CASES) if index != 3]
    with run_of(tmp_path / "run") as store:
        found = cover(store)
    assert (found.ran, found.cases, found.unmade) == (CASES - 1, CASES - 1, 0)
    assert {target: tally.cases for target, tally in found.targets.items()} == {
        target: sum(case.target == target for case in cases) for target in TARGETS
    }
    assert sum(found.tally().seen["operators"].values()) == sum(case.operations for case in cases)


def test_what_an_unengaged_case_exercised_is_not_engaged(tmp_path: Path) -> None:
    with run_of(tmp_path / "run") as store:
        tally = cover(store).tally()
        engaged = {row.index for row in store.ran() if row.engaged}
    wanted = {(name,) for index in engaged for name in make(index).operators}
    assert set(tally.engaged["operators"]) == wanted < set(tally.seen["operators"])


def test_one_target_is_counted_alone(tmp_path: Path) -> None:
    with run_of(tmp_path / "run") as store:
        both, one = cover(store), cover(store, "aot_eager")
        with pytest.raises(UserMistake, match="choose among eager, aot_eager"):
            cover(store, "inductor")
    assert list(one.targets) == ["aot_eager"]
    assert one.tally() == both.targets["aot_eager"]
    assert one.ran == one.cases == both.targets["aot_eager"].cases


def test_a_sample_is_spread_over_the_run(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with run_of(tmp_path / "run") as store:
        found = cover(store, None, 4, lambda done, of: told.append((done, of)))
        assert cover(store, sample=1000).cases == CASES - 1
    assert (found.ran, found.cases) == (CASES - 1, 4)
    assert told == [(number, 4) for number in range(5)]


@pytest.mark.parametrize("changes", [{"version": "0"}, {"operators": (*OPERATORS[:20], "gone.operator")}])
def test_of_a_run_of_another_assay_only_the_operators_are_known(tmp_path: Path, changes: dict[str, object]) -> None:
    with run_of(tmp_path / "run", **changes) as store:  # type: ignore[arg-type]
        found = cover(store)
    assert found.unmade == found.cases == CASES - 1
    tally = found.tally()
    assert set(tally.seen["operators"]) == {
        (name,) for index in range(CASES) if index != 3 for name in make(index).operators
    }
    assert not any(tally.seen[name] for name in TITLES if name != "operators")


def test_a_case_that_comes_out_otherwise_counts_by_its_operators(tmp_path: Path) -> None:
    def other(index: int) -> Case:
        return make(index + 1) if index == 0 else make(index)

    settings = CampaignSettings(seed=5, operators=OPERATORS, nodes=4, targets=TARGETS, cases=3)
    with create(tmp_path / "run", {"version": __version__, "settings": settings.to_json()}) as store:
        run_engine(store, fake_parts(lambda index: PASS, make=other), cases=3)
        assert cover(store).unmade == 1
