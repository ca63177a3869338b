"""The texts of the cases of a user's subject: modules that load the user's file and call what is in it.

As with every case the text is what is executed: in a worker, where the user's code runs and nowhere else. A subject
that lives in the user's own process (`assay.check`) is taken from there instead of from a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.checking.inputs import Given
from assay.emit.torch_inputs import FILL

LIVE = "assay_live"
"""The module from which a text takes a subject that lives in this process."""

_REFUSED = '''
class Refused(Exception):
    """What is asked for is not to be had; the text says why."""
'''.strip().splitlines()

_LOAD = '''
def load(path):
    """The module in a file, executed anew; as part of its package where it is in one."""
    folder, file = os.path.split(path)
    name = f"assay_user_{file[:-3]}"
    if os.path.isfile(os.path.join(folder, "__init__.py")):
        name = file[:-3]
        while os.path.isfile(os.path.join(folder, "__init__.py")):
            folder, package = os.path.split(folder)
            name = f"{package}.{name}"
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.modules.pop(name, None)
    if not name.startswith("assay_user_"):
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
'''.strip().splitlines()

_NAMED = '''
def named(module, name):
    """What has a name in a module; of a class of modules, one that is made without arguments."""
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
            raise Refused(f"there is no {name} in it; it has {', '.join(known) or 'nothing that can be called'}")
        found = getattr(found, part)
    if isinstance(found, type) and issubclass(found, torch.nn.Module):
        try:
            found = found()
        except TypeError as error:
            raise Refused(f"{name} cannot be made without arguments ({error}); name one that the file makes") from None
    if not callable(found):
        raise Refused(f"{name} is of type {type(found).__name__}, and cannot be called")
    return found
'''.strip().splitlines()

NAMED = [*_REFUSED, "", "", *_NAMED]

_TAKEN = '''
def given():
    """The inputs that the file gives."""
    for name in ("assay_inputs", "example_inputs"):
        if hasattr(FILE, name):
            found = getattr(FILE, name)
            found = found() if callable(found) else found
            if isinstance(found, dict):
                return (), found
            if not isinstance(found, (tuple, list)):
                return (found,), {}
            if len(found) == 2 and isinstance(found[0], (tuple, list)) and isinstance(found[1], dict):
                return tuple(found[0]), found[1]
            return tuple(found), {}
    raise Refused("nothing is said of them; give --input, or define assay_inputs() or example_inputs in the file")
'''.strip().splitlines()

_RESIZED = '''
def resized(tensor, shape):
    """A tensor of another shape: its elements, repeated or cut off."""
    for dim, size in enumerate(shape):
        tensor = tensor.index_select(dim, torch.arange(size) % tensor.shape[dim])
    return tensor
'''.strip().splitlines()

_INPUTS = """
def inputs(call=0):
    args, kwargs = given()
    leaves, tree = tree_flatten((*args, *kwargs.values()))
    made = {}
    for number, leaf in enumerate(leaves):
        if not isinstance(leaf, torch.Tensor):
            continue
        if id(leaf) not in made:
            new = leaf.detach().clone()
            if number in SIZES.get(call, {}):
                new = resized(new, SIZES[call][number])
            WIDE
            if TRAINING and (new.is_floating_point() or new.is_complex()):
                new.requires_grad_()
            made[id(leaf)] = new
        leaves[number] = made[id(leaf)]
    return tree_unflatten(leaves, tree)
""".strip().splitlines()
_WIDE = "new = new.double() if new.is_floating_point() else new"


@dataclass(frozen=True)
class Subject:
    """What is checked: a name in a file, or what lives in this process (``path`` empty), with what it is given.

    ``names`` and ``keywords`` are those of its inputs, ``module`` whether it is an nn.Module; both are known once it is
    described. ``folder`` is where the user's own code lies, for a subject of this process.
    """

    path: str
    name: str
    given: tuple[Given, ...] | None = None
    names: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    module: bool | None = None
    title: str = ""
    folder: str = ""


Sizes = Mapping[int, Mapping[int, tuple[int, ...]]]
"""By call, the shapes of leaves of the inputs that differ from the given ones."""


@dataclass(frozen=True)
class Way:
    """One way to call a subject: how often, at which sizes, in training or not, in float64 or not."""

    calls: int = 1
    training: bool = False
    sizes: Sizes = field(default_factory=dict)
    wide: bool = False


def case_text(subject: Subject, way: Way, extra: Sequence[str] = ()) -> str:
    """The text of a case. ``extra`` stands at its end, and may define program anew."""
    lines = [f'"""{subject.title or subject.name}."""', ""]
    lines += ["import importlib", "import importlib.util", "import math", "import os", "import sys", "", "import torch"]
    lines += ["from torch.utils._pytree import tree_flatten, tree_unflatten", ""]
    lines += [*settings_lines(way), "", ""]
    if subject.path:
        folder = subject.path.rpartition("/")[0] or "/"
        lines += [*_LOAD, "", "", *NAMED, "", "", f"FOLDER = {folder!r}"]
        lines += [f"FILE = load({subject.path!r})", f"SUBJECT = named(FILE, {subject.name!r})"]
    else:
        lines += [f"import {LIVE}", "", *_REFUSED, "", "", f"FOLDER, SUBJECT, FILE = {LIVE}.fresh()"]
    lines += ["", "", *call_lines(subject, way), *extra]
    return "\n".join(lines).rstrip() + "\n"


def settings_lines(way: Way) -> list[str]:
    """The settings of a way."""
    return [f"CALLS = {way.calls}", f"TRAINING = {way.training}", f"SIZES = {_sizes(way.sizes)}"]


def call_lines(subject: Subject, way: Way) -> list[str]:
    """What makes the inputs, the state and the program, given FILE and SUBJECT."""
    lines = [*FILL, "", ""] if any("fill(" in each.text for each in subject.given or ()) else []
    lines += [*_given_lines(subject), "", "", *_program_lines(subject, way), "", ""]
    return [*lines, *(_resized(way)), *_wide(way)]


def _resized(way: Way) -> list[str]:
    return [*_RESIZED, "", ""] if any(way.sizes.values()) else []


def _sizes(sizes: Sizes) -> str:
    return repr({call: {number: tuple(shape) for number, shape in each.items()} for call, each in sizes.items()})


def _given_lines(subject: Subject) -> list[str]:
    if subject.given is None:
        return _TAKEN
    positional = "".join(f"{each.text}, " for each in subject.given if not each.keyword)
    named = ", ".join(f"{each.keyword!r}: {each.text}" for each in subject.given if each.keyword)
    return ["def given():", f"    return ({positional.rstrip()}), {{{named}}}"]


def _program_lines(subject: Subject, way: Way) -> list[str]:
    """The state where it is a module, and the program: a call of the subject, with names where they are known."""
    mode = f"SUBJECT.train({way.training}){'.double()' if way.wide else ''}"
    state = ["def state():", f"    return {mode}"]
    if subject.module is None:
        names = "args, kwargs = given()"
        call = "*values[: len(args)], **dict(zip(kwargs, values[len(args) :]))"
        return [
            "if isinstance(SUBJECT, torch.nn.Module):",
            "",
            *(f"    {line}" for line in state),
            "",
            "",
            "def program(*values):",
            "    called = SUBJECT",
            "    if isinstance(SUBJECT, torch.nn.Module):",
            "        called, *values = values",
            f"    {names}",
            f"    return called({call})",
        ]
    parameters = ", ".join([*(["model"] if subject.module else []), *subject.names, *subject.keywords])
    given = ", ".join([*subject.names, *(f"{name}={name}" for name in subject.keywords)])
    called = "model" if subject.module else "SUBJECT"
    lines = [*state, "", ""] if subject.module else []
    return [*lines, f"def program({parameters}):", f"    return {called}({given})"]


def _wide(way: Way) -> list[str]:
    lines = list(_INPUTS)
    if not any(way.sizes.values()):
        lines = [line for line in lines if "SIZES" not in line and "resized(" not in line]
    if way.wide:
        return [line.replace("WIDE", _WIDE) for line in lines]
    return [line for line in lines if line.strip() != "WIDE"]
