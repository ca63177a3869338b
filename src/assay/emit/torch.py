"""A program as a Python module for torch: ``program``, ``inputs``, ``state`` where it has parameters or buffers,
``CALLS``, ``TRAINING``.

The text is what is executed and what is reported, so it is written to be read: one statement a line, the framework's
own names, attributes only
where they differ from the framework's defaults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from assay.emit.rewriting import Change, Definitions, Writing, writer_of
from assay.emit.torch_inputs import fill_lines, input_lines, needs_fill
from assay.emit.torch_main import MAIN, MAIN_IMPORTS
from assay.ir.program import (
    Block,
    Literal,
    Opaque,
    Operand,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    Tree,
    reads,
    walk,
)
from assay.ir.sizes import Sym, symbols_in
from assay.ir.types import ScalarType, TensorType
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied, require
from assay.ops.protocol import Operator
from assay.ops.python_forms import MODULES, PICKS, modules_in
from assay.ops.text import expression, parts, written

INDENT = "    "
# How an inner function is called, beside plainly.
THROUGH = {
    "checkpoint": "torch.utils.checkpoint.checkpoint({}, use_reentrant=False)",
    "autograd": "Applied.apply({})",
}
APPLIED = [
    "class Applied(torch.autograd.Function):",
    f'{INDENT}"""Calls a function, and has a backward of its own: the gradient where the argument is positive."""',
    "",
    f"{INDENT}@staticmethod",
    f"{INDENT}def forward(ctx, function, value):",
    f"{INDENT * 2}ctx.save_for_backward(value)",
    f"{INDENT * 2}return function(value)",
    "",
    f"{INDENT}@staticmethod",
    f"{INDENT}def backward(ctx, gradient):",
    f"{INDENT * 2}(value,) = ctx.saved_tensors",
    f"{INDENT * 2}return None, gradient * (value > 0)",
]


def render(
    program: Program,
    *,
    literals: bool = False,
    finite: bool = False,
    title: str = "",
    main: bool = False,
    fresh: bool = False,
    beside: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> str:
    """The module's text.

    ``literals``: inputs of up to 64 elements are written out. ``main``: the module can be run; with ``finite`` it
    then checks that every intermediate is finite. ``fresh``: what the program's module defines is defined by a function
    ``fresh``, so that two runs in one process begin alike. ``beside`` are imports, and lines that follow the program.
    Raises Unsatisfied where a size symbol is bound by no input.
    """
    lines = [f'"""{title}"""', ""] if title else []
    body, rewrites = function_lines(program)
    definitions = [*_definition_lines(program, fresh), *rewrites.lines]
    inputs = [*input_lines(program, literals), *between_lines(program, rewrites.changes)]
    modules = modules_in("\n".join([*definitions, *body, *inputs]))
    if needs_fill(program, literals):
        modules = sorted({*modules, "math"})
    lines += [*(f"import {name}" for name in modules), ""] if modules else []
    lines += ["import torch", *beside[0]]
    if main:
        lines += MAIN_IMPORTS
    lines += ["", f"CALLS = {len(program.calls)}", f"TRAINING = {program.training}"]
    if program.watched:
        lines.append(f"WATCHED = {program.watched!r}")
    if main:
        lines.append(f"FINITE = {finite}")
    lines += ["", ""]
    if needs_fill(program, literals):
        lines += [*fill_lines(program), "", ""]
    if any(_through(statement) == "autograd" for statement in walk(program.body)):
        lines += [*APPLIED, "", ""]
    lines += definitions
    lines += body
    lines += ["", "", *beside[1]] if beside[1] else []
    lines += ["", "", *inputs]
    if main:
        lines += ["", "", *MAIN]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _definition_lines(program: Program, fresh: bool) -> list[str]:
    if not program.definitions:
        return []
    lines = [line for each in program.definitions for line in [*each.text.splitlines(), "", ""]]
    if not fresh:
        return lines
    names = ", ".join(dict.fromkeys(name for each in program.definitions for name in each.writes))
    inner = ['"""Define what calls may change, as it is at first."""', f"global {names}", *lines[:-2]]
    return ["def fresh():", *(INDENT + line for line in inner), "", "", "fresh()", "", ""]


def between_lines(program: Program, changes: Sequence[Change] | None = None) -> list[str]:
    """What happens between the calls: ``between(call)``, which the module's state is given to where it has one, and
    ``around(call)``, the context in which a call is made. ``changes`` are those of the program's rewrites, where they
    are known."""
    if changes is None:
        changes = function_lines(program)[1].changes
    lines: list[str] = []
    if changes or any(call.before for call in program.calls):
        stateful = any(entry.role != "argument" for entry in program.inputs)
        lines += ["", "", f"def between(call{', model' if stateful else ''}):"]
        bound = {name for call in program.calls for each in call.before for name in each.writes}
        names = sorted(bound.union(*(change.names for change in changes)))
        lines += [f"{INDENT}global {', '.join(names)}"] if names else []
        for number, call in enumerate(program.calls):
            if call.before:
                texts = [line for each in call.before for line in each.text.splitlines()]
                lines += [f"{INDENT}if call == {number}:", *(INDENT * 2 + line for line in texts)]
        if changes:
            lines += [f"{INDENT}if call % 2:", *(INDENT * 2 + line for each in changes for line in each.there)]
            lines += [f"{INDENT}else:", *(INDENT * 2 + line for each in changes for line in each.back)]
    if any(call.around for call in program.calls):
        contexts = [call.around or "contextlib.nullcontext()" for call in program.calls]
        lines += ["", "", "def around(call):"]
        for number, context in enumerate(contexts[:-1]):
            lines += [f"{INDENT}if call == {number}:", f"{INDENT * 2}return {context}"]
        lines.append(f"{INDENT}return {contexts[-1]}")
    return lines


def _through(statement: Statement) -> str | None:
    if not isinstance(statement, PythonOperation) or statement.kind != "call":
        return None
    return dict(statement.attributes).get("through")


def body_lines(program: Program) -> list[str]:
    """The statements of the program and its return, without indentation."""
    return _Writer(program).program_lines()


def statement_lines(program: Program) -> list[list[str]]:
    """The lines of each outermost statement, as `body_lines` has them between those of sizes and the return."""
    writer = _Writer(program)
    return [writer.block((statement,)) for statement in program.body]


def function_lines(program: Program) -> tuple[list[str], Definitions]:
    """The lines that define the program, and what its rewrites add beside it."""
    writer = _Writer(program)
    body = [INDENT + line for line in writer.program_lines()]
    return _enclosed(program, body), writer.definitions


def _enclosed(program: Program, body: list[str]) -> list[str]:
    arguments = [entry.name for entry in program.inputs if entry.role == "argument"]
    state = [entry for entry in program.inputs if entry.role != "argument"]
    if not state:
        return [f"def program({', '.join(arguments)}):", *body]
    lines = ["class Model(torch.nn.Module):", f"{INDENT}def __init__(self):", f"{INDENT * 2}super().__init__()"]
    lines += [INDENT * 2 + line for line in input_lines(program, False, state=True)]
    receiver = "self" if program.style == "forward" else "model"
    header = f"({', '.join([receiver, *arguments])}):"
    if program.style == "forward":
        lines += ["", f"{INDENT}def forward{header}", *(INDENT + line for line in body)]
        body = [f"{INDENT}return model({', '.join(arguments)})"]
        header = f"({', '.join(['model', *arguments])}):"
    return [*lines, "", "", "def state():", f"{INDENT}return Model()", "", "", f"def program{header}", *body]


def tree_text(tree: Tree, read: Callable[[str], str] = str) -> str:
    """A nest of values; ``read`` says by which text each is read."""
    if isinstance(tree, str):
        return read(tree)
    kind, items, keys = tree
    inner = [tree_text(item, read) for item in items]
    if kind == "dict":
        return "{" + ", ".join(f"{key!r}: {item}" for key, item in zip(keys, inner, strict=True)) + "}"
    if kind == "list":
        return "[" + ", ".join(inner) + "]"
    return f"({inner[0]},)" if len(inner) == 1 else "(" + ", ".join(inner) + ")"


class _Writer:
    """Writes statements; knows by which text each value is read."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.operators: Mapping[str, Operator] = load()
        receiver = "self" if program.style == "forward" else "model"
        self.names: dict[str, str] = {
            entry.name: entry.name if entry.role == "argument" else f"{receiver}.{entry.name}"
            for entry in program.inputs
        }
        self.definitions = Definitions(_names(program))

    def program_lines(self) -> list[str]:
        """The statements of the program and its return."""
        lines = [*self.size_lines(), *self.block(self.program.body)]
        return [*lines, f"return {self.tree(self.program.outputs)}"]

    def size_lines(self) -> list[str]:
        """Bind each size symbol that the text mentions: the dimension of an argument, or a Python argument."""
        wanted: set[str] = set()
        for statement in walk(self.program.body):
            if not isinstance(statement, Opaque):
                wanted |= symbols_in(tuple(value for _, value in statement.attributes))
                wanted |= symbols_in(statement.operands)
        return [f"{name} = {self._source(name)}" for name, _ in self.program.sizes if name in wanted]

    def _source(self, symbol: str) -> str:
        for entry in self.program.inputs:
            if isinstance(entry.value.type, TensorType):
                for position, size in enumerate(entry.value.type.shape):
                    if isinstance(size, Sym) and size.expr == symbol:
                        return f"{self.names[entry.name]}.shape[{position}]"
            elif isinstance(entry.value.type, ScalarType) and entry.name == f"n_{symbol}":
                return entry.name
        raise Unsatisfied(f"no input has the size {symbol}")

    def operand(self, operand: Operand) -> str:
        """The text of an operand."""
        if operand is None:
            return "None"
        if isinstance(operand, str):
            return self.names.get(operand, operand)
        if isinstance(operand, Literal):
            return written(operand.value)
        if isinstance(operand, tuple):
            return "[" + ", ".join(self.operand(item) for item in operand) + "]"
        return written(operand)

    def tree(self, tree: Tree) -> str:
        """A nest of outputs."""
        return tree_text(tree, self.operand)

    def block(self, statements: Sequence[Statement]) -> list[str]:
        """The statements' lines."""
        lines: list[str] = []
        for statement in statements:
            match statement:
                case Operation():
                    left = ", ".join(value.name for value in statement.results)
                    lines.append(f"{left} = {self.operation(statement)}" if left else self.operation(statement))
                case PythonOperation():
                    lines += self.python(statement)
                case Region():
                    lines += self.region(statement)
                case Opaque():
                    lines += self.opaque(statement)
        return lines

    def opaque(self, statement: Opaque) -> list[str]:
        """Opaque text, in which what it reads stands as it is read here: a parameter as one of the module's."""
        moved = {name: self.names[name] for name in statement.reads if self.names.get(name, name) != name}
        if not moved:
            return statement.text.splitlines()
        found = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, moved))})\b")
        return found.sub(lambda match: moved[match[1]], statement.text).splitlines()

    def operation(self, statement: Operation) -> str:
        """The expression of a tensor operation."""
        operator = self.operators[statement.operator]
        operands = [self.operand(operand) for operand in statement.operands]
        attributes = dict(statement.attributes)
        out = None if statement.out is None else self.operand(statement.out)
        return expression(operator, operands, attributes, statement.form, out)

    def python(self, statement: PythonOperation) -> list[str]:
        """The lines of a Python operation."""
        attributes = dict(statement.attributes)
        operands = [self.operand(operand) for operand in statement.operands]
        left = ", ".join(value.name for value in statement.results)
        match statement.kind:
            case "arithmetic" | "compare":
                return [f"{left} = {operands[0]} {attributes['symbol']} {operands[1]}"]
            case "pick":
                return [f"{left} = {PICKS[attributes['form']][0].format(*operands)}"]
            case "test":
                return [f"{left} = {attributes['form'].format(*operands)}"]
            case "pack":
                items = tuple(str(operand) for operand in operands)
                return [f"{left} = {self.tree((attributes['container'], items, attributes.get('keys', ())))}"]
            case "item":
                key = attributes["index"]
                keys = attributes.get("key")
                return [f"{left} = {operands[0]}[{key if keys is None else repr(keys)}]"]
            case "append":
                self.names[left] = operands[0]
                return [f"{operands[0]}.append({operands[1]})"]
            case "size":
                return [f"{left} = {operands[0]}.shape[{attributes['dim']}]"]
            case "length":
                return [f"{left} = len({operands[0]})"]
            case "read":
                return [f"{left} = {operands[0]}.item()"]
            case "call":
                through = THROUGH.get(_through(statement) or "")
                given = ", ".join(operands if through else operands[1:])
                call = through.format(given) if through else f"{operands[0]}({given})"
                return [f"{left} = {call}" if left else call]
            case _:
                return [f"{left} = {operands[0]}"]

    def region(self, region: Region) -> list[str]:
        """The lines of a compound statement."""
        attributes = dict(region.attributes)
        match region.kind:
            case "if":
                return self._if(region)
            case "for" | "while":
                return self._loop(region, written(attributes["trips"]))
            case "def":
                block = region.blocks[0]
                name = region.results[0].name
                header = f"def {name}({', '.join(value.name for value in block.parameters)}):"
                inner = self.block(block.statements)
                results = ", ".join(self.operand(result) for result in block.results)
                return [header, *(INDENT + line for line in [*inner, f"return {results}"])]
            case "lambda":
                block = region.blocks[0]
                parameters = ", ".join(value.name for value in block.parameters)
                (statement,) = block.statements
                assert isinstance(statement, Operation)
                return [f"{region.results[0].name} = lambda {parameters}: {self.operation(statement)}"]
            case "rewrite":
                return self._rewrite(region)
            case "with":
                return [f"with {attributes['context']}:", *self._inner(region)]
            case _:
                ending = {"finally": ["finally:", f"{INDENT}pass"], "except": ["except ValueError:", f"{INDENT}raise"]}
                return ["try:", *self._inner(region), *ending[attributes["shape"]]]

    def _rewrite(self, region: Region) -> list[str]:
        """What the transform makes of the block; its results are then bound to names that all of the function sees."""
        attributes = dict(region.attributes)
        kind, write = writer_of(str(attributes["transform"]))
        block = region.blocks[0]
        results = [value.name for value in region.results]
        own = {value.name for statement in walk(block.statements) for value in statement.results}
        for statement in walk(block.statements):
            if isinstance(statement, Region):
                own |= {value.name for inner in statement.blocks for value in inner.parameters}
        body = self.block(block.statements)
        yields = [self.operand(name) for name in block.results]
        # What the block binds keeps its name; what it only hands through gets one.
        targets = [text if text in own else name for text, name in zip(yields, results, strict=False)]
        operands = tuple(self.operand(operand) for operand in region.operands)
        if kind in ("value", "operation"):
            operands = (*yields, *operands)
        else:
            body += self._assign(targets, yields)
        read = [self.operand(name) for statement in block.statements for name in reads(statement)]
        outside = dict.fromkeys(text for text in read if text.isidentifier() and text not in own)
        expression, function, arguments = self._parts(block) if kind == "operation" else ("", "", ())
        writing = Writing(
            body=tuple(body),
            targets=tuple(targets),
            reads=tuple(outside),
            operands=operands,
            extras=tuple(results[len(yields) :]),
            choices=attributes,
            definitions=self.definitions,
            expression=expression,
            function=function,
            arguments=arguments,
        )
        lines = write(writing)
        self.names.update(zip(results, targets, strict=False))
        if kind == "value":
            return [*body, *lines[:-1], f"{writing.bound} = {lines[-1]}"]
        return [*lines[:-1], f"{writing.bound} = {lines[-1]}"] if kind == "operation" else lines

    def _parts(self, block: Block) -> tuple[str, str, tuple[str, ...]]:
        """A block's one operation as an expression, and as the function that it calls with its arguments."""
        statement = block.statements[0] if len(block.statements) == 1 else None
        require(isinstance(statement, Operation), "a rewrite of an operation has another block")
        assert isinstance(statement, Operation)
        operands = [self.operand(operand) for operand in statement.operands]
        out = None if statement.out is None else self.operand(statement.out)
        whole = self.operation(statement)
        try:
            found = parts(self.operators[statement.operator], operands, dict(statement.attributes), statement.form, out)
        except Unsatisfied:
            return whole, "", ()
        return (whole, *found)

    def _inner(self, region: Region) -> list[str]:
        block = region.blocks[0]
        lines = [INDENT + line for line in self.block(block.statements)] or [f"{INDENT}pass"]
        for value, name in zip(region.results, block.results, strict=True):
            self.names[value.name] = self.operand(name)
        return lines

    def _assign(self, left: Sequence[str], right: Sequence[str]) -> list[str]:
        pairs = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
        return [f"{', '.join(a for a, _ in pairs)} = {', '.join(b for _, b in pairs)}"] if pairs else []

    def _if(self, region: Region) -> list[str]:
        lines: list[str] = []
        results = [value.name for value in region.results]
        for word, block in zip((f"if {self.operand(region.operands[0])}:", "else:"), region.blocks, strict=True):
            inner = self.block(block.statements)
            inner += self._assign(results, [self.operand(name) for name in block.results])
            lines += [word, *(INDENT + line for line in inner or ["pass"])]
        return lines

    def _loop(self, region: Region, trips: str) -> list[str]:
        block: Block = region.blocks[0]
        counter, *carried = [value.name for value in block.parameters]
        lines = self._assign(carried, [self.operand(operand) for operand in region.operands])
        inner = self.block(block.statements)
        inner += self._assign(carried, [self.operand(name) for name in block.results])
        if region.kind == "while":
            lines += [f"{counter} = 0", f"while {counter} < {trips}:"]
            inner.append(f"{counter} = {counter} + 1")
        else:
            lines.append(f"for {counter} in range({trips}):")
        for value, name in zip(region.results, carried, strict=True):
            self.names[value.name] = name
        return lines + [INDENT + line for line in inner or ["pass"]]


# What modules and scripts call their own. A worker calls the `between` and `around` that it finds.
_RESERVED = frozenset(
    {
        "model", "self", "torch", "program", "inputs", "state", "between", "around", "fill", "Applied", "Model",
        "CALLS", "TRAINING", "main", "observe", "compile_program",
    }
)  # fmt: skip


def _names(program: Program) -> set[str]:
    """Every name that the text may use for a value of the program."""
    found = {entry.name for entry in program.inputs} | {name for name, _ in program.sizes}
    for statement in walk(program.body):
        found |= {value.name for value in statement.results}
        if isinstance(statement, Region):
            found |= {value.name for block in statement.blocks for value in block.parameters}
    return found | set(MODULES) | _RESERVED
