"""Why something never was: a reason that follows from the settings, the targets and the chances that it had."""

from __future__ import annotations

from assay.campaign.coverage import RunCoverage
from assay.campaign.settings import CampaignSettings
from assay.generate.coverage import Features, Tally, features
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ops.catalogue import load
from assay.report.coverage import Never, Why, coverage_screen, coverage_to_json, measures

OPERATORS = tuple(load())
WIDTH = 100
SCREEN = 60


def run_coverage(*targets: str, operators: tuple[str, ...] = OPERATORS, cases: int = 0) -> RunCoverage:
    """The coverage of a run on these targets, of which the first has so many generated cases."""
    settings = CampaignSettings(seed=1, operators=operators, targets=targets)
    tallies = {target: Tally() for target in targets}
    generated = Settings(1, operators, None, targets)
    for index in range(cases):
        case = make_case(generated, index)
        tallies[case.target].add(features(case, operators), engaged=index % 4 > 0)
    return RunCoverage(settings, cases, tallies)


def add(
    coverage: RunCoverage, target: str, engaged: bool, *seen: tuple[str, tuple[str, ...]], whole: bool = True
) -> Features:
    """Count a case that has seen these things."""
    found = Features(whole=whole)
    for name, key in seen:
        found.seen[name][key] += 1
    coverage.targets[target].add(found, engaged)
    return found


def never(coverage: RunCoverage, name: str, target: str | None = None) -> dict[str, Never]:
    """What was never engaged, by what it is."""
    return {each.what: each for row in measures(coverage, target) if row.name == name for each in row.never}


def test_an_operator_that_was_not_to_be_drawn_was_excluded() -> None:
    coverage = run_coverage("aot_eager", operators=("unary.neg",), cases=3)
    assert never(coverage, "operators")["unary.abs"].why is Why.EXCLUDED
    assert never(coverage, "dtypes")["unary.abs float32"].why is Why.EXCLUDED


def test_an_operator_that_a_target_has_not_is_outside_of_its_dialect() -> None:
    coverage = run_coverage("aot_eager", "onnxruntime")
    assert never(coverage, "operators", "onnxruntime")["write.zero_"].why is Why.UNSAYABLE
    assert never(coverage, "operators")["write.zero_"].why is not Why.UNSAYABLE
    assert {each.why for each in never(coverage, "expressions", "onnxruntime").values()} == {Why.UNSAYABLE}
    assert never(coverage, "programs", "onnxruntime")["backward yes"].why is Why.UNSAYABLE


def test_a_motif_is_for_targets_that_have_its_operators_and_passes_that_look_for_it() -> None:
    coverage = run_coverage("aot_eager", "onnxruntime")
    onnx, torch = (never(coverage, "motifs", target) for target in ("onnxruntime", "aot_eager"))
    # A graph writes nothing, and what is split and joined again no transformer of ONNX Runtime looks for.
    for what in ("copy_into_slice as it is", "split_cat order"):
        assert onnx[what].why is Why.UNSAYABLE
        assert torch[what].why is not Why.UNSAYABLE
    assert onnx["permute_pair as it is"].why is not Why.UNSAYABLE
    left_out = run_coverage("aot_eager", operators=("view.reshape",))
    assert never(left_out, "motifs")["permute_pair as it is"].why is Why.EXCLUDED


def test_few_cases_are_told_from_what_generation_refuses() -> None:
    coverage = run_coverage("aot_eager")
    found = Features()
    found.give("operators", ("unary.neg",), 4.0)
    found.give("operators", ("unary.abs",), 6.0)
    coverage.targets["aot_eager"].add(found, True)
    told = never(coverage, "operators")
    assert (told["unary.neg"].why, told["unary.neg"].expected) == (Why.FEW, 4.0)
    assert (told["unary.abs"].why, told["unary.abs"].expected) == (Why.REFUSED, 6.0)
    assert told["unary.sign"].why is Why.NOT_OFFERED


def test_what_came_only_without_engagement_is_told_so() -> None:
    coverage = run_coverage("aot_eager")
    add(coverage, "aot_eager", False, ("operators", ("unary.neg",)))
    assert never(coverage, "operators")["unary.neg"] == Never("unary.neg", Why.IDLE, 1, 0.0)
    add(coverage, "aot_eager", True, ("operators", ("unary.neg",)))
    assert "unary.neg" not in never(coverage, "operators")


def test_a_dtype_is_expected_as_often_as_other_operators_take_it() -> None:
    coverage = run_coverage("aot_eager")
    found = Features()
    for operator in ("unary.neg", "unary.abs"):
        found.seen["operators"][operator,] = 100
        found.give("dtypes", (operator, "float32"), 100.0)
    found.seen["dtypes"]["unary.abs", "float32"] = 20
    coverage.targets["aot_eager"].add(found, True)
    told = never(coverage, "dtypes")
    assert told["unary.neg float32"] == Never("unary.neg float32", Why.REFUSED, 0, 10.0)
    assert told["unary.neg float64"].why is Why.NOT_OFFERED
    assert told["unary.sign float32"].why is Why.OPERATOR


def test_an_option_is_expected_as_often_as_the_backend_draws_it() -> None:
    coverage = run_coverage("aot_eager")
    for _ in range(100):
        add(coverage, "aot_eager", True)
    told = never(coverage, "options")
    assert told["fullgraph=True"].why is Why.REFUSED
    assert 7 < told["fullgraph=True"].expected < 13
    assert told["config.functorch.cse=False"].why is Why.FEW


def test_nothing_is_said_of_cases_that_could_not_be_made_again() -> None:
    coverage = run_coverage("aot_eager")
    add(coverage, "aot_eager", True, ("operators", ("unary.neg",)), whole=False)
    assert {each.why for each in never(coverage, "operators").values()} == {Why.UNKNOWN}
    assert "1 cases could not be made again" in coverage_screen("run", coverage, False, WIDTH)


def test_a_run_without_cases_had_too_few() -> None:
    coverage = run_coverage("aot_eager")
    assert {each.why for name in ("operators", "options") for each in never(coverage, name).values()} == {Why.FEW}
    assert "run: 0 cases on aot_eager, - engaged" in coverage_screen("run", coverage, False, WIDTH)


def test_the_screen_has_all_measures_and_targets_and_fits() -> None:
    coverage = run_coverage("aot_eager", "onnxruntime", cases=20)
    screen = coverage_screen("run", coverage, False, WIDTH).splitlines()
    assert len(screen) <= SCREEN
    assert max(map(len, screen)) <= WIDTH
    assert screen[0] == "run: 20 cases on 2 targets, 75.0 % engaged"
    python = next(line for line in screen if line.startswith("Python expressions"))
    assert python.endswith(" ·"), "ONNX has no Python"


def test_targets_without_room_are_named() -> None:
    targets = ("aot_eager", *(f"torch:package.of.the.user.backend_{number}" for number in range(5)))
    screen = coverage_screen("run", run_coverage(*targets), False, WIDTH)
    assert f"no room for {targets[-1]}: --target {targets[-1]}" in screen
    assert max(map(len, screen.splitlines()[:14])) <= WIDTH


def test_all_that_never_was_is_listed_in_full_and_in_part_otherwise() -> None:
    coverage = run_coverage("aot_eager", cases=2)
    missing = never(coverage, "operators")
    assert len(missing) > 100
    full = coverage_screen("run", coverage, True, WIDTH)
    assert all(name in full for name in missing)
    for whole in (True, False):
        (told,) = coverage_to_json(coverage, whole)["targets"].values()
        operators = told["measures"]["operators"]
        assert sum(row["count"] for row in operators["never"]) == len(missing) == operators["of"] - operators["engaged"]
        listed = sum(len(row["items"]) for row in operators["never"])
        assert (listed == len(missing)) == whole
