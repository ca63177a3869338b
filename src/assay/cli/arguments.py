"""Commands and their arguments. Nothing but the standard library is imported here."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from assay import __version__
from assay.campaign.mistake import UserMistake
from assay.checking.defaults import CASE_SECONDS, DERIVATIVES, MEMORY_MB, SECONDS, TRANSFORMED

Command = Callable[[argparse.Namespace, float], int]


class Parser(argparse.ArgumentParser):
    """Tells a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise UserMistake with the message and where to read more."""
        raise UserMistake(f"{message}; see `{self.prog} --help`")


def duration(text: str) -> float:
    """Seconds.

    >>> duration("10m"), duration("1h30m"), duration("45")
    (600.0, 5400.0, 45.0)
    """
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if not text.strip() or match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 10m or 1h30m")
    seconds = sum(float(part or 0) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True))
    if seconds <= 0:
        raise argparse.ArgumentTypeError("a time must be more than nothing")
    return seconds


def positive(text: str) -> int:
    """A whole number above zero."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def whole(text: str) -> int:
    """A whole number, nought too."""
    return 0 if text == "0" else positive(text)


def names(text: str) -> tuple[str, ...]:
    """Names and globs, separated by commas.

    >>> names("reduce.*, index.gather")
    ('reduce.*', 'index.gather')
    """
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parser() -> Parser:
    """The parser of the whole command line. The chosen function is ``command`` in what it returns."""
    top = Parser(
        prog="assay",
        description="Find bugs in deep-learning compilers by differential testing.",
        epilog="Exit codes: 0 nothing found, 1 findings, 2 a mistake in what was asked, 3 a defect of Assay.",
    )
    top.add_argument("--version", action="version", version=f"assay {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    _campaign_commands(commands)
    _check_command(commands)
    _finding_commands(commands)
    _other_commands(commands)
    return top


def _campaign_commands(commands: Any) -> None:
    fuzz = _command(commands, "fuzz", "campaign:fuzz", "run a campaign")
    fuzz.add_argument("--source", default=None, help="where cases come from: graph, python (both), api")
    fuzz.add_argument(
        "--library",
        choices=("torch", "jax", "tensorflow"),
        help="differentiate: functions of this library in every mode; by default from --source api",
    )
    fuzz.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="T",
        help="a system under test; may be repeated; see `assay targets`",
    )
    _budget(fuzz, "how long, such as 10m (the default)", "how many cases instead").add_argument(
        "--sweep", action="store_true", help="instead: every seed call of every function once, with --source api"
    )
    fuzz.add_argument("--jobs", type=positive, metavar="N", help="workers; by default one per core")
    fuzz.add_argument("--seed", type=int, metavar="S", help="what everything follows from; by default drawn and shown")
    fuzz.add_argument(
        "--run", type=Path, metavar="DIR", help="where the run is kept; by default a new folder in ./runs"
    )
    _generation(fuzz)
    fuzz.add_argument(
        "--values",
        choices=("kept", "found", "special"),
        default="kept",
        help="why values are in the domains of operators: kept there by clamps, found by a search for inputs, or not",
    )
    fuzz.add_argument("--case-time", type=duration, default=60.0, metavar="T", help="time limit of one case (60s)")
    fuzz.add_argument("--memory", type=positive, default=4096, metavar="MB", help="memory limit of one case (4096)")
    fuzz.add_argument(
        "--no-reduce", action="store_true", help="leave findings as they are; `assay reduce ID` reduces one later"
    )

    resume = _command(commands, "resume", "campaign:resume", "go on with a campaign that was stopped or killed")
    resume.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    _budget(resume, "so much more time, instead of what is left", "so many more cases, instead of what is left")
    resume.add_argument("--jobs", type=positive, metavar="N", help="workers; by default as before")

    generate = _command(commands, "generate", "generate:generate", "write cases as scripts, and run nothing")
    generate.add_argument("--cases", type=positive, default=10, metavar="N", help="how many (10)")
    generate.add_argument("--seed", type=int, default=0, metavar="S", help="what they follow from (0)")
    generate.add_argument("--emit", choices=("torch", "onnx"), default="torch", help="as what (torch)")
    generate.add_argument("--source", choices=("graph", "python"), default="graph", help="what makes them (graph)")
    generate.add_argument("--out", type=Path, required=True, metavar="DIR", help="into which folder")
    _generation(generate)


def _check_command(commands: Any) -> None:
    check = _command(commands, "check", "check:check", "compare your own function or module, eager against compiled")
    check.add_argument("subject", metavar="FILE:NAME", help="a function or nn.Module, such as net.py:Net")
    check.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="SPEC",
        help="float32[2,3], int64[4]:0..10, mask=bool[4]; may be repeated; else what the file gives as assay_inputs()",
    )
    check.add_argument(
        "--target", action="append", default=[], metavar="T", help="a system under test; by default all of the ladder"
    )
    numbers: list[tuple[str, Callable[[str], Any], float, str, str]] = [
        ("--transforms", whole, TRANSFORMED, "N", f"how many transformed programs ({TRANSFORMED})"),
        ("--time", duration, SECONDS, "T", f"after which nothing is begun ({SECONDS / 60:g}m)"),
        ("--case-time", duration, CASE_SECONDS, "T", f"time limit of one case ({CASE_SECONDS / 60:g}m)"),
        ("--memory", positive, MEMORY_MB, "MB", f"memory limit of one case ({MEMORY_MB})"),
    ]
    for name, kind, default, metavar, said in numbers:
        check.add_argument(name, type=kind, default=default, metavar=metavar, help=said)
    check.add_argument("--no-training", action="store_true", help="do not compare gradients")
    check.add_argument(
        "--derivatives",
        type=int,
        choices=(0, 1, 2, 3),
        default=DERIVATIVES,
        metavar="N",
        help="differentiate it in every way up to the Nth order; 0 for not at all (default: %(default)s)",
    )
    check.add_argument("--no-sizes", action="store_true", help="do not compare at other sizes")
    check.add_argument("--out", type=Path, metavar="DIR", help="where scripts go; by default a folder in ./runs")


def _finding_commands(commands: Any) -> None:
    findings = _command(commands, "findings", "findings:findings", "list what a run found")
    show = _command(commands, "show", "findings:show", "show a finding")
    explain = _command(commands, "explain", "explain:explain", "say why wrong numbers are not rounding, and where")
    replay = _command(
        commands, "replay", "findings:replay", "run a finding, a saved case or a script once more, afresh"
    )
    reduce = _command(commands, "reduce", "findings:reduce", "reduce a finding once more")
    for command in (show, explain):
        command.add_argument("id", metavar="ID", help="of a finding, a bucket or a case; its first digits do")
    replay.add_argument("id", metavar="ID|FILE", help="an id, a case in JSON, or a script")
    reduce.add_argument("id", metavar="ID", help="of a finding, a bucket or a case; its first digits do")
    reduce.add_argument(
        "--time", type=duration, default=1800.0, metavar="T", help="how long at most, such as 10m (30m is the default)"
    )
    for command in (findings, show, explain, replay, reduce):
        command.add_argument("--run", type=Path, metavar="DIR", help="of which run; by default the newest in ./runs")


def _other_commands(commands: Any) -> None:
    coverage = _command(commands, "coverage", "coverage:coverage", "say what a run exercised, what never was, and why")
    run = coverage.add_mutually_exclusive_group()
    run.add_argument("folder", nargs="?", type=Path, metavar="RUN", help="the folder of the run")
    run.add_argument("--run", type=Path, metavar="DIR", help="the same; by default the newest in ./runs")
    coverage.add_argument("--target", metavar="T", help="of one target alone")
    coverage.add_argument("--cases", type=positive, metavar="N", help="of so many cases, evenly spread; by default all")
    coverage.add_argument("--full", action="store_true", help="list all that never was")
    _command(commands, "targets", "catalogues:targets", "list the systems under test, and what is missing for them")
    ops = _command(commands, "ops", "catalogues:ops", "list operators; `assay ops check` holds them against torch")
    ops.add_argument("names", nargs="*", metavar="NAME", help="names and globs; `check` first to check them")
    ops.add_argument("--samples", type=positive, metavar="N", help="programs per operator for `check`")
    rewrites = _command(
        commands, "transforms", "catalogues:transforms", "list transforms; `assay transforms check` runs them eagerly"
    )
    rewrites.add_argument("names", nargs="*", metavar="NAME", help="names and globs; `check` first to check them")
    rewrites.add_argument("--samples", type=positive, metavar="N", help="sites per transform for `check`")
    apis = _command(
        commands, "apis", "apis:apis", "list a library's functions that are differentiated, and their seeds"
    )
    apis.add_argument("names", nargs="*", metavar="NAME", help="names and globs")
    apis.add_argument("--library", choices=("torch", "jax", "tensorflow"), default="torch", help="which (torch)")
    apis.add_argument("--target", metavar="T", help="in another interpreter, such as eager@/path/to/python")
    apis.add_argument("--modes", action="store_true", help="try which ways to differentiate each supports (minutes)")
    apis.add_argument("--conventions", action="store_true", help="list instead what is known to be meant as it is")
    _command(commands, "doctor", "doctor:doctor", "look at this machine and say what is missing")


def _command(commands: Any, name: str, function: str, what: str) -> Parser:
    command: Parser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    command.add_argument("--json", action="store_true", help="one JSON value on stdout, and nothing else there")
    module, _, attribute = function.partition(":")

    def run(options: argparse.Namespace, began: float) -> int:
        chosen: Command = getattr(import_module(f"assay.cli.{module}"), attribute)
        return chosen(options, began)

    command.set_defaults(command=run)
    return command


def _budget(command: Parser, time: str, cases: str) -> Any:
    budget = command.add_mutually_exclusive_group()
    budget.add_argument("--time", type=duration, metavar="T", help=time)
    budget.add_argument("--cases", type=positive, metavar="N", help=cases)
    return budget


def _generation(command: Parser) -> None:
    command.add_argument("--nodes", type=positive, metavar="K", help="operations per program; by default by target")
    command.add_argument("--include", type=names, default=(), metavar="OPS", help="only these operators: names, globs")
    command.add_argument("--exclude", type=names, default=(), metavar="OPS", help="not these operators: names, globs")
