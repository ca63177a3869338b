"""`assay apis`: the functions of a library that are differentiated, their seeds, and what is not reached."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from assay.apis.seeds import LIBRARIES, NoSeeds, Seeds, UnknownApi, are_kept, seeds_of
from assay.autodiff.conventions import CONVENTIONS
from assay.campaign.mistake import UserMistake
from assay.campaign.modes import find_modes, known_modes, said_modes
from assay.cli import FOUND_NOTHING
from assay.cli.runs import print_json


def apis(options: argparse.Namespace, began: float) -> int:
    """List functions with their seeds, where those are from, and what cannot be reached, with the reason."""
    if options.conventions:
        return _conventions(options)
    seeds = seeds_for(options.library, options.target or LIBRARIES[options.library])
    try:
        chosen = seeds.chosen(options.names)
    except UnknownApi as unknown:
        raise UserMistake(str(unknown)) from None
    target = options.target or LIBRARIES[options.library]
    modes = find_modes(chosen, target, _progress) if options.modes else known_modes(target)
    if options.json:
        print_json(
            {
                "library": seeds.library,
                "version": seeds.version,
                "apis": [
                    {
                        "name": each.name,
                        "origin": each.origin,
                        "seeds": len(each.seeds),
                        "modes": modes.get(each.name, {}).get("ways"),
                    }
                    for each in chosen.apis
                ],
                "unreached": [{"name": name, "reason": reason} for name, reason in chosen.unreached],
            }
        )
        return FOUND_NOTHING
    whole = {way for each in modes.values() for way in each["ways"]}
    width = max((len(each.name) for each in chosen.apis), default=0)
    for each in chosen.apis:
        held = f"{len(each.seeds)} seed{'s' * (len(each.seeds) != 1)}"
        line = f"{each.name:{width}}  {each.origin:11} {held:9} {said_modes(modes.get(each.name), whole)}"
        print(line.rstrip())
    if not options.names:
        print()
        for reason, count in Counter(reason for _, reason in seeds.unreached).most_common():
            print(f"{count:5} not reached: {reason}")
    total = sum(len(each.seeds) for each in chosen.apis)
    print(f"{len(chosen.apis)} functions of {seeds.library} {seeds.version}, {total} seeds")
    return FOUND_NOTHING


def _progress(done: int, total: int) -> None:
    print(f"assay: {done} of {total} functions differentiated", file=sys.stderr)


def _conventions(options: argparse.Namespace) -> int:
    if options.json:
        print_json([{"name": each.name, "reason": each.reason, "source": each.source} for each in CONVENTIONS])
        return FOUND_NOTHING
    for each in CONVENTIONS:
        print(f"{each.name}: {each.reason} [{each.source}]")
        print(f"    {', '.join(each.apis)}")
    return FOUND_NOTHING


def seeds_for(library: str, target: str) -> Seeds:
    """The seeds of a library in a target's interpreter; says so where collecting them takes a while. Raises
    UserMistake where there is no such library."""
    python = target.partition("@")[2] or sys.executable
    try:
        kept = are_kept(library, python)
        if not kept:
            why = "what is kept is of another release" if kept is None else "once per release"
            print(f"assay: asking {library} for its functions: this takes minutes ({why})", file=sys.stderr)
        return seeds_of(library, python)
    except NoSeeds as missing:
        raise UserMistake(str(missing)) from None
