"""`assay generate`: cases as scripts that run by themselves. Needs no framework but for programs over Python, which are
made of what the installed Dynamo models."""

from __future__ import annotations

import argparse
from dataclasses import replace

from assay.campaign.artefacts import write_durably
from assay.campaign.mistake import UserMistake
from assay.cli import FOUND_NOTHING
from assay.cli.campaign import operators_of
from assay.cli.runs import print_json


def generate(options: argparse.Namespace, began: float) -> int:
    """Write the scripts."""
    from assay.emit import onnx, torch
    from assay.generate import sources
    from assay.generate.dialect import TORCH, Dialect
    from assay.generate.graph import make_program
    from assay.generate.python.modelled import NothingModelled
    from assay.generate.settings import Settings
    from assay.ir.serialize import program_from_json

    # Without the control target: programs of the sizes that a campaign on the whole ladder draws.
    settings = Settings(options.seed, operators_of(options), options.nodes, ("aot_eager", "inductor"))
    if options.source != "graph" and options.emit != "torch":
        raise UserMistake("--source python makes Python programs; leave out --emit onnx")
    scripts = []
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        for index in range(options.cases):
            # Every policy so far promises finite values.
            title = f"Case {index} of seed {options.seed}."
            path = options.out / f"{index:06}.py"
            if options.source != "graph":
                case = sources.make_case(replace(settings, sources=(options.source,)), index)
                text = torch.render(program_from_json(case.recipe["program"]), main=True, title=title)
            elif options.emit == "onnx":
                program, _ = make_program(settings, index, dialect=Dialect(onnx.DEFAULT_OPSET))
                text = onnx.render(program, main=True, finite=True, title=title)
            else:
                program, _ = make_program(settings, index, dialect=TORCH)
                text = torch.render(program, main=True, finite=True, title=title)
            write_durably(path, text.encode())
            scripts.append(str(path))
    except NothingModelled as error:
        raise UserMistake(f"--source python needs torch: {error}") from None
    except OSError as error:
        raise UserMistake(f"cannot write to {options.out} ({error.strerror}); choose another --out") from None
    if options.json:
        print_json(scripts)
    else:
        print(f"{len(scripts)} scripts in {options.out}")
    return FOUND_NOTHING
