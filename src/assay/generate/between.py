"""State that changes between the calls of a program from specifications, and back again: the same, changed, back.

    Program --> three calls (first, second, first again) --> what is changed ahead of the second, and undone after it

Nothing here changes what the operations compute in any call, so what is known of the values stays true: gradient modes,
flags of parameters, the mode of training, compiled code that is forgotten. Hooks of modules are not among them: Dynamo
declares that it does not look for new ones (`skip_nnmodule_hook_guards`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from assay.ir.program import Argument, Opaque, Program, Region, walk

CONTEXTS = ("torch.no_grad()", "torch.inference_mode()", "torch.enable_grad()")


def with_changes(rng: random.Random, program: Program) -> tuple[Program, tuple[str, ...]]:
    """The program called as at first, with something changed, and as at first again; and the names of the changes."""
    first, *others = program.calls
    program = replace(program, calls=(first, others[0] if others else first, first))
    names: list[str] = []
    for name in rng.sample(sorted(CHANGES), rng.choice((1, 1, 2))):
        changed = CHANGES[name](rng, program)
        if changed is not None:
            program = changed
            names.append(name)
    return program, tuple(names)


def _ahead(program: Program, there: str, back: str, name: str) -> Program:
    """One statement ahead of the second call, and one that undoes it ahead of the third."""
    first, second, third = program.calls
    second = replace(second, before=(*second.before, _text(there, name)))
    return replace(program, calls=(first, second, replace(third, before=(*third.before, _text(back, name)))))


def _text(text: str, name: str) -> Opaque:
    return Opaque(text, (), (), label=f"between.{name}")


def _context(rng: random.Random, program: Program) -> Program | None:
    # A view made in one mode and written in another is an error of eager's.
    if any(isinstance(each, Region) and each.kind == "with" for each in walk(program.body)):
        return None
    first, second, third = program.calls
    return replace(program, calls=(first, replace(second, around=rng.choice(CONTEXTS)), third))


def _grad_mode(rng: random.Random, program: Program) -> Program | None:
    if any(isinstance(each, Region) and each.kind == "with" for each in walk(program.body)):
        return None
    return _ahead(program, "torch.set_grad_enabled(False)", "torch.set_grad_enabled(True)", "grad mode")


def _reset(rng: random.Random, program: Program) -> Program | None:
    return _ahead(program, "torch._dynamo.reset()", "torch._dynamo.reset()", "reset")


def _frozen(rng: random.Random, program: Program) -> Program | None:
    first = program.calls[0]
    flagged = [
        entry.name for entry in program.inputs if entry.role == "parameter" and first.argument(entry.name).requires_grad
    ]
    if not flagged:
        return None
    name = rng.choice(flagged)
    there, back = (f"model.{name}.requires_grad_({flag})" for flag in (False, True))
    return _ahead(program, there, back, "frozen parameter")


def _argument_without_gradient(rng: random.Random, program: Program) -> Program | None:
    first, second, third = program.calls
    flagged = [name for name, argument in second.arguments if argument.requires_grad and _is_argument(program, name)]
    if not flagged:
        return None
    chosen = rng.choice(flagged)

    def off(name: str, argument: Argument) -> Argument:
        return replace(argument, requires_grad=False) if name == chosen else argument

    arguments = tuple((name, off(name, each)) for name, each in second.arguments)
    return replace(program, calls=(first, replace(second, arguments=arguments), third))


def _is_argument(program: Program, name: str) -> bool:
    return any(entry.name == name and entry.role == "argument" and entry.base is None for entry in program.inputs)


def _has_state(program: Program) -> bool:
    return any(entry.role != "argument" for entry in program.inputs)


def _mode(rng: random.Random, program: Program) -> Program | None:
    return _ahead(program, "model.eval()", "model.train()", "training mode") if _has_state(program) else None


def _attribute(rng: random.Random, program: Program) -> Program | None:
    """An attribute that nothing reads: a guard on it is allowed, another result is not."""
    if not _has_state(program):
        return None
    return _ahead(program, "model.note = [1, 2]", "del model.note", "attribute")


CHANGES: dict[str, Callable[[random.Random, Program], Program | None]] = {
    "context": _context,
    "grad mode": _grad_mode,
    "reset": _reset,
    "frozen parameter": _frozen,
    "argument without gradient": _argument_without_gradient,
    "training mode": _mode,
    "attribute": _attribute,
}
