"""Abstract interpretation of a program: types and facts of every value, from its inputs and the specifications.

The generator extends a program by it, reducers and the float64 twin retype a program by it, the verifier checks a
program by it. It raises `Unsatisfied` wherever a specification is not met, so that what it accepts runs in eager mode
without an exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from assay.ir.program import (
    FOUND,
    KEPT,
    WRAPPING,
    Block,
    Data,
    Input,
    Literal,
    Opaque,
    Operand,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    Value,
    operand_names,
    output_names,
)
from assay.ir.sizes import Sym, evaluate, largest, smallest
from assay.ir.types import (
    INTEGER_RANGE,
    ContainerType,
    FunctionType,
    ScalarType,
    TensorType,
    Type,
    is_float,
    is_integral,
)
from assay.ops.assume import Assumption, anything, is_fixed, is_free, is_searched
from assay.ops.facts import Facts, Unsatisfied, constant, fit, hull, require
from assay.ops.promotion import can_store
from assay.ops.protocol import Operator, bind, kind_of_scalar
from assay.ops.python import apply_python


@dataclass(frozen=True, slots=True)
class Abstract:
    """What is known of a value: its type, facts of its elements, parts of a container, region of a function."""

    type: Type
    facts: Facts | None = None
    items: tuple[Abstract, ...] = ()
    function: Region | None = None

    @property
    def exact(self) -> bool:
        """Whether no order of evaluation gives another number."""
        return self.facts is not None and self.facts.exact


MAX_ELEMENTS = 1 << 16
MAX_TRIPS = 8
# What a transform yields beside its block: numbers and integer tensors that nothing rounds.
EXTRA = Facts(-(2.0**31), 2.0**31, 0)


class Environment:
    """Abstract values by name, with the storages that they share."""

    def __init__(self, parent: Environment | None = None) -> None:
        self.values: dict[str, Abstract] = dict(parent.values) if parent else {}
        self.storage: dict[str, str] = dict(parent.storage) if parent else {}

    def define(self, value: Value, abstract: Abstract) -> None:
        """Give a name its abstract value."""
        self.values[value.name] = abstract
        if value.storage:
            self.storage[value.name] = value.storage

    def assume(self, operands: Sequence[Operand], applied: Applied) -> None:
        """From here on what an operation assumes of its operands is known of them, and of what shares their memory."""
        for position, facts in applied.assumed:
            name = operands[position]
            if not isinstance(name, str):
                continue
            self.values[name] = replace(self.values[name], facts=facts)
            storage = self.storage.get(name)
            for other, where in self.storage.items():
                old = self.values[other].facts
                if where == storage and other != name and is_free(self.values[other], FOUND) and old is not None:
                    low, high = max(old.low, facts.low), min(old.high, facts.high)
                    if low <= high:
                        self.values[other] = replace(self.values[other], facts=replace(old, low=low, high=high))

    def write(self, name: str, facts: Facts, *, all_of_it: bool = False) -> None:
        """Elements with these facts were written into a value's storage: whatever shares it may now hold either.
        Where bounds are only assumed (``all_of_it``), what has the type of the value holds just these."""
        storage = self.storage.get(name)
        for other, where in self.storage.items():
            if where == storage:
                old = self.values[other]
                if all_of_it and is_free(old, FOUND) and old.type == self.values[name].type:
                    self.values[other] = replace(old, facts=facts)
                elif old.facts is not None and isinstance(old.type, TensorType):
                    self.values[other] = replace(old, facts=fit(hull(old.facts, facts), old.type.dtype))

    def join(self, *branches: Environment) -> None:
        """After branches, what they may have written is known of the outer values."""
        for name, old in self.values.items():
            facts = [branch.values[name].facts for branch in branches]
            known = [fact for fact in facts if fact is not None]
            if known:
                self.values[name] = replace(old, facts=hull(*known))


def operand_of(environment: Environment, operand: Operand) -> Any:
    """The abstract value of an operand: an Abstract, a tuple of them, or None."""
    if operand is None:
        return None
    if isinstance(operand, str):
        try:
            return environment.values[operand]
        except KeyError:
            raise Unsatisfied(f"{operand} is not defined here") from None
    if isinstance(operand, tuple):
        return tuple(operand_of(environment, item) for item in operand)
    if isinstance(operand, Literal):
        value = operand.value
        facts = constant(_number(value)) if isinstance(value, int | float) else None
        return Abstract(kind_of_scalar(value), facts)
    low, high = smallest(operand), largest(operand)
    return Abstract(ScalarType("int"), Facts(low, high, 0))


@dataclass(frozen=True, slots=True)
class Applied:
    """What an operation yields, and by their position the facts of what it writes into operands, and what it assumes
    of them where facts do not keep domains."""

    results: tuple[Abstract, ...]
    written: tuple[tuple[int, Facts], ...] = ()
    assumed: tuple[tuple[int, Facts], ...] = ()


def apply_operator(
    operator: Operator,
    operands: Sequence[Any],
    attributes: Mapping[str, Any],
    form: str = "function",
    values: str = KEPT,
) -> Applied:
    """Types and facts of an operation's results. Raises Unsatisfied where the specification is not met; ``values`` as
    in a program."""
    require(len(operands) == len(operator.operands), "wrong number of operands")
    types = [_types(operand) for operand in operands]
    binding = bind(operator, types, attributes)
    _check_operands(operator, types, binding)
    inferred = operator.infer(binding)
    results = inferred if isinstance(inferred, tuple) else (inferred,)
    assumed: Mapping[int, Facts] = {}
    require(values == KEPT or not operator.finite, "the operator asks for finite operands in its domain")
    if values != KEPT and any(is_free(operand, values) for operand in _flat(operands)):
        domains = [_domain(specification, binding) for specification in operator.operands]
        assumption = Assumption(operator, binding, operands, domains, values)
        assumed = assumption.assumed()
        written_to = [types[operator.index[name]] for name in operator.writes]
        dtypes = [type_.dtype for type_ in (*results, *written_to) if type_ is not None]
        all_facts = assumption.transferred(dtypes)
    else:
        facts = SimpleNamespace()
        for specification, operand in zip(operator.operands, operands, strict=True):
            setattr(facts, specification.name, _facts(operand))
        _check_values(operator, operands, binding)
        transferred = operator.facts(binding, facts)
        all_facts = transferred if isinstance(transferred, tuple) else (transferred,) * len(results)
        if values != KEPT:
            all_facts = tuple(replace(each, fixed=is_fixed(operator, operands, binding)) for each in all_facts)
    if _is_tipped(operator, operands, binding):
        all_facts = tuple(replace(fact, tipped=True) for fact in all_facts)
    require(form == "inplace" or not operator.inplace_only, "the operator has no functional form")
    written = []
    for name, fact in zip(operator.writes, all_facts[len(results) :], strict=True):
        position = operator.index[name]
        if operands[position] is not None:
            written.append((position, _stored(fact, types[position].dtype, values)))
    if form == "inplace":
        first = types[0]
        require(isinstance(first, TensorType) and results[0].shape == first.shape, "in-place result has another shape")
        require(can_store(results[0].dtype, first.dtype), "in-place result has a dtype that cannot be stored")
        results = (results[0].with_dtype(first.dtype), *results[1:])
    for result in results:
        require(largest(result.elements) <= MAX_ELEMENTS, "too many elements")
        require(all(smallest(size) >= 0 for size in result.shape), "a negative size")
    facts_of = all_facts[: len(results)]
    abstracts = tuple(
        Abstract(type_, _stored(fact, type_.dtype, values)) for type_, fact in zip(results, facts_of, strict=True)
    )
    if form == "inplace":
        written.append((0, _known(abstracts[0])))
    return Applied(abstracts, tuple(written), tuple(assumed.items()))


def _flat(operands: Sequence[Any]) -> Iterator[Any]:
    for operand in operands:
        yield from operand if isinstance(operand, tuple) else (operand,)


def _domain(specification: Any, binding: Any) -> Any:
    """The domain of an operand that is given; of none that depends on what is left out."""
    return None if getattr(binding, specification.name) is None else domain_of(specification, binding)


def _types(operand: Any) -> Any:
    if operand is None:
        return None
    if isinstance(operand, tuple):
        return tuple(item.type for item in operand)
    return operand.type


def _facts(operand: Any) -> Any:
    if operand is None:
        return None
    if isinstance(operand, tuple):
        return tuple(item.facts for item in operand)
    return operand.facts


def _number(value: float) -> float:
    """A number as Python computes with it: of a large int no bit is lost."""
    return int(value) if isinstance(value, int) else value


def _stored(facts: Facts, dtype: str, values: str) -> Facts:
    """The facts once stored in a dtype; integers that wrap may be any. Raises Unsatisfied as `fit` does."""
    if values == WRAPPING and dtype in INTEGER_RANGE and dtype != "bool":
        low, high = INTEGER_RANGE[dtype]
        if facts.low < low or facts.high > high:
            return replace(facts, low=low, high=high, scale=0, terms=0.0)
    return fit(facts, dtype)


def _check_operands(operator: Operator, types: Sequence[Any], binding: Any) -> None:
    for specification, type_ in zip(operator.operands, types, strict=True):
        if type_ is None:
            require(specification.optional, f"operand {specification.name} is missing")
        elif isinstance(type_, ScalarType):
            require(type_.kind in specification.scalars, f"operand {specification.name} is no tensor")
        elif isinstance(type_, tuple):
            require(specification.many is not None, f"operand {specification.name} is no list")
            assert specification.many is not None
            require(specification.many[0] <= len(type_) <= specification.many[1], "too few or too many in a list")
            binding.first = type_[0]
            for item in type_:
                _check_tensor(specification, item, binding)
        else:
            require(isinstance(type_, TensorType), f"operand {specification.name} is no tensor")
            _check_tensor(specification, type_, binding)


def _check_tensor(specification: Any, type_: Any, binding: Any) -> None:
    require(isinstance(type_, TensorType), f"operand {specification.name} is no tensor")
    require(type_.dtype in specification.dtypes, f"operand {specification.name} has dtype {type_.dtype}")
    require(type_.rank in specification.ranks, f"operand {specification.name} has rank {type_.rank}")
    if specification.accepts is not None:
        require(specification.accepts(binding, type_), f"operand {specification.name} does not fit")


def _check_values(operator: Operator, operands: Sequence[Any], binding: Any) -> None:
    for specification, operand in zip(operator.operands, operands, strict=True):
        if operand is None or specification.domain is None:
            continue
        for item in operand if isinstance(operand, tuple) else (operand,):
            if item.facts is None:
                continue
            interval = domain_of(specification, binding)
            if interval is not None:
                require(item.facts.within(interval), f"operand {specification.name} leaves the domain")


def _is_tipped(operator: Operator, operands: Sequence[Any], binding: Any) -> bool:
    """Whether a rounding error of an operand may come out as another decision: the operation jumps in a rounded one,
    or one follows from such a decision already."""
    for specification, operand in zip(operator.operands, operands, strict=True):
        for item in operand if isinstance(operand, tuple) else () if operand is None else (operand,):
            if item.facts is None:
                continue
            rounded = isinstance(item.type, TensorType) and not is_integral(item.type.dtype) and not item.facts.exact
            if item.facts.tipped or (rounded and jumps_in(specification, binding)):
                return True
    return False


def jumps_in(specification: Any, binding: Any) -> bool:
    """Whether an operation is discontinuous in an operand."""
    jumps = specification.jumps
    return bool(jumps(binding) if callable(jumps) else jumps)


def domain_of(specification: Any, binding: Any) -> Any:
    """The interval that an operand's elements must lie in, or None."""
    domain = specification.domain
    return domain(binding) if callable(domain) else domain


def require_apart(
    operands: Sequence[Operand], written: Sequence[int], out: str | None, storage: Mapping[str, str]
) -> None:
    """Raise `Unsatisfied` where an operation writes, by position or by ``out``, memory that another operand shares:
    which is read or written first is nobody's promise."""
    targets = [(position, name) for position in written for name in operand_names(operands[position])]
    targets += [(-1, out)] if out is not None else []
    for position, target in targets:
        others = (name for at, operand in enumerate(operands) if at != position for name in operand_names(operand))
        require(
            target not in storage or all(storage.get(name) != storage[target] for name in others),
            "what is written shares memory with another operand",
        )


class Interpreter:
    """Interprets the statements of a program in an environment, rebuilding them with the types that follow."""

    def __init__(
        self,
        operators: Mapping[str, Operator],
        sizes: Mapping[str, tuple[int, ...]],
        instantiations: int,
        values: str = KEPT,
    ) -> None:
        self.operators = operators
        self.values = values
        self.sizes = sizes
        self.instantiations = instantiations

    def block(self, statements: Sequence[Statement], environment: Environment) -> tuple[Statement, ...]:
        """The statements, retyped; the environment gains what they define."""
        return tuple(self.statement(statement, environment) for statement in statements)

    def statement(self, statement: Statement, environment: Environment) -> Statement:
        """One statement, retyped."""
        match statement:
            case Operation():
                return self._operation(statement, environment)
            case PythonOperation(kind="call"):
                return self._call(statement, environment)
            case PythonOperation():
                operands = tuple(self.resolve(operand) for operand in statement.operands)
                abstract = apply_python(statement, [operand_of(environment, operand) for operand in operands])
                return replace(statement, operands=operands, results=self._define(statement, abstract, environment))
            case Region():
                return self._region(statement, environment)
            case Opaque():
                for value in statement.results:
                    environment.define(value, Abstract(value.type, self._assumed(value.type)))
                return statement

    def _assumed(self, type_: Type) -> Facts | None:
        """What is taken for known of what text yields, where the elements of floats are not answered for."""
        if self.values == KEPT or not isinstance(type_, TensorType):
            return None
        if type_.dtype in INTEGER_RANGE:
            low, high = INTEGER_RANGE[type_.dtype]
            return Facts(low, high, 0)
        return anything(type_.dtype, self.values) if is_float(type_.dtype) else None

    def resolve(self, value: Any) -> Any:
        """A size, or a nest of them, under the present table of symbols."""
        if isinstance(value, Sym):
            return evaluate(value.expr, self.sizes, self.instantiations)
        if isinstance(value, tuple):
            return tuple(self.resolve(item) for item in value)
        return value

    def _operation(self, statement: Operation, environment: Environment) -> Operation:
        operator = self.operators[statement.operator]
        operands = tuple(self.resolve(operand) for operand in statement.operands)
        attributes = tuple((name, self.resolve(value)) for name, value in statement.attributes)
        abstracts = [operand_of(environment, operand) for operand in operands]
        applied = apply_operator(operator, abstracts, dict(attributes), statement.form, self.values)
        results = applied.results
        environment.assume(operands, applied)
        require_apart(operands, [position for position, _ in applied.written], statement.out, environment.storage)
        for position, facts in applied.written:
            target = operands[position]
            require(isinstance(target, str), "what is written is no value")
            environment.write(str(target), facts, all_of_it=self.values != KEPT)
        if statement.out is not None:
            known = environment.values.get(statement.out)
            require(known is not None and known.type == results[0].type, "out= has another type")
            environment.write(statement.out, _known(results[0]), all_of_it=self.values != KEPT)
        values = self._define(statement, results, environment)
        return replace(statement, operands=operands, attributes=attributes, results=values)

    def _define(
        self, statement: Operation | PythonOperation | Region, results: Sequence[Abstract], environment: Environment
    ) -> tuple[Value, ...]:
        require(len(results) == len(statement.results), "wrong number of results")
        values = tuple(replace(v, type=r.type) for v, r in zip(statement.results, results, strict=True))
        for value, result in zip(values, results, strict=True):
            environment.define(value, result)
        return values

    def _call(self, statement: PythonOperation, environment: Environment) -> PythonOperation:
        function, *arguments = [operand_of(environment, operand) for operand in statement.operands]
        require(function.function is not None, "what is called is no function")
        block = function.function.blocks[0]
        inner = Environment(environment)
        require(len(arguments) == len(block.parameters), "wrong number of arguments")
        for parameter, argument, operand in zip(block.parameters, arguments, statement.operands[1:], strict=True):
            require(parameter.type == argument.type, "an argument has another type than the parameter")
            storage = environment.storage.get(operand, "") if isinstance(operand, str) else ""
            inner.define(replace(parameter, storage=storage), argument)
        self.block(block.statements, inner)
        environment.join(inner)
        _within(statement.results, block, inner, environment)
        results = [inner.values[name] for name in block.results]
        return replace(statement, results=self._define(statement, results, environment))

    def _region(self, region: Region, environment: Environment) -> Region:
        attributes = tuple((name, self.resolve(value)) for name, value in region.attributes)
        region = replace(region, attributes=attributes, operands=tuple(self.resolve(o) for o in region.operands))
        if region.kind == "if":
            return self._branches(region, environment)
        if region.kind in ("for", "while"):
            return self._loop(region, environment)
        if region.kind in ("def", "lambda"):
            return self._function(region, environment)
        inner = Environment(environment)
        block = self._inner(region.blocks[0], inner)
        environment.join(inner)
        if region.kind == "rewrite":
            return self._rewrite(region, block, inner, environment)
        _within(region.results, block, inner, environment)
        results = [inner.values[name] for name in block.results]
        return replace(region, blocks=(block,), results=self._define(region, results, environment))

    def _rewrite(self, region: Region, block: Block, inner: Environment, environment: Environment) -> Region:
        """A rewrite yields what its block yields, whose memory is known here as it was there, and extras."""
        for operand in region.operands:
            operand_of(environment, operand)
        results = [inner.values[name] for name in block.results]
        results += [Abstract(value.type, EXTRA) for value in region.results[len(results) :]]
        values = self._define(region, results, environment)
        for value, name in zip(values, block.results, strict=False):
            if name in inner.storage:
                environment.storage[value.name] = inner.storage[name]
        return replace(region, blocks=(block,), results=values)

    def _inner(self, block: Block, environment: Environment) -> Block:
        statements = self.block(block.statements, environment)
        for name in block.results:
            require(name in environment.values, f"{name} is not defined here")
        return replace(block, statements=statements)

    def _branches(self, region: Region, environment: Environment) -> Region:
        operand_of(environment, region.operands[0])
        inner = [Environment(environment) for _ in region.blocks]
        blocks = tuple(self._inner(block, each) for block, each in zip(region.blocks, inner, strict=True))
        environment.join(*inner)
        for block, each in zip(blocks, inner, strict=True):
            _within(region.results, block, each, environment)
        results = []
        for names in zip(*(block.results for block in blocks), strict=True):
            values = [each.values[name] for each, name in zip(inner, names, strict=True)]
            require(all(value.type == values[0].type for value in values), "branches yield different types")
            results.append(replace(values[0], facts=hull(*(_known(value) for value in values))))
        return replace(region, blocks=blocks, results=self._define(region, results, environment))

    def _loop(self, region: Region, environment: Environment) -> Region:
        trips = dict(region.attributes)["trips"]
        require(smallest(trips) >= 0 and largest(trips) <= MAX_TRIPS, "too many trips")
        block = region.blocks[0]
        carried = [operand_of(environment, operand) for operand in region.operands]
        reached = carried
        retyped = block
        for trip in range(max(largest(trips), 1)):
            inner = Environment(environment)
            counter, *parameters = block.parameters
            inner.define(counter, Abstract(ScalarType("int"), Facts(0, max(trip, largest(trips) - 1, 0), 0)))
            for parameter, value, operand in zip(parameters, reached, region.operands, strict=True):
                storage = environment.storage.get(operand, "") if isinstance(operand, str) else ""
                inner.define(replace(parameter, type=value.type, storage=storage), value)
            retyped = self._inner(block, inner)
            environment.join(inner, environment)
            _within(region.results, block, inner, environment)
            yields = [inner.values[name] for name in block.results]
            for before, after in zip(reached, yields, strict=True):
                require(before.type == after.type, "a carried value changes its type")
            reached = [replace(b, facts=hull(_known(b), _known(a))) for b, a in zip(reached, yields, strict=True)]
        parameters_now = tuple(replace(p, type=v.type) for p, v in zip(block.parameters[1:], carried, strict=True))
        retyped = replace(retyped, parameters=(block.parameters[0], *parameters_now))
        return replace(region, blocks=(retyped,), results=self._define(region, reached, environment))

    def _function(self, region: Region, environment: Environment) -> Region:
        block = region.blocks[0]
        inner = Environment(environment)
        for parameter in block.parameters:
            # The body is checked with real facts at each call; its types are checked here by the first call.
            inner.define(parameter, Abstract(parameter.type, None))
        parameters = tuple(parameter.type for parameter in block.parameters)
        value = replace(region.results[0], type=FunctionType(parameters, ()))
        environment.define(value, Abstract(value.type, function=region))
        return replace(region, results=(value,))


def _within(results: Sequence[Value], block: Block, inner: Environment, outer: Environment) -> None:
    """What a block yields is new, or shares the storage that the result names: no other of outside, of which writes
    through the result would not be known."""
    outside = set(outer.storage.values())
    for result, name in zip(results, block.results, strict=True):
        storage = inner.storage.get(name, "")
        require(storage == result.storage or storage not in outside, f"{name} shares memory that its region does not")


def _known(abstract: Abstract) -> Facts:
    require(abstract.facts is not None, "nothing is known of a value")
    assert abstract.facts is not None
    return abstract.facts


def facts_of(data: Data) -> Facts:
    """What is known of contents: exact where the formula is in dyadic numbers of moderate scale."""
    ends = [data.low, data.low + data.step * (data.modulus - 1), *data.special]
    scales = [constant(each).scale for each in (data.low, data.step, *data.special)]
    scale = None if None in scales else max(s for s in scales if s is not None)
    return Facts(min(ends), max(ends), scale, positive_zero=True)


def input_facts(program: Program, entry: Input) -> Abstract:
    """What is known of an input over all calls."""
    facts: list[Facts] = []
    for call in program.calls:
        argument = call.argument(entry.name)
        if isinstance(entry.value.type, TensorType):
            if argument.data is None:
                continue
            if program.values != KEPT and is_searched(entry.value.type.dtype, program.values):
                facts.append(anything(entry.value.type.dtype, program.values))
                continue
            known = fit(facts_of(argument.data), entry.value.type.dtype)
            facts.append(known if program.values == KEPT else replace(known, fixed=True))
        elif isinstance(argument.scalar, int | float):
            facts.append(constant(_number(argument.scalar)))
    return Abstract(entry.value.type, hull(*facts) if facts else None)


def interpret(program: Program, operators: Mapping[str, Operator]) -> tuple[Program, Environment]:
    """The program with every type computed anew, and what is known of its values after any of its calls. Raises
    Unsatisfied."""
    state = [entry.name for entry in program.inputs if entry.role != "argument"]
    kept: dict[str, Facts | None] = {}
    # Each call starts from the state that the one before has left.
    for _ in program.calls if state else program.calls[:1]:
        environment = Environment()
        _define_inputs(program, environment, kept)
        interpreter = Interpreter(operators, program.size_table, program.instantiations, program.values)
        body = interpreter.block(program.body, environment)
        left = {name: environment.values[name].facts for name in state}
        if left == kept:
            break
        kept = left
    for name in output_names(program.outputs):
        require(name in environment.values, f"output {name} is not defined")
    return replace(program, body=body), environment


def _define_inputs(program: Program, environment: Environment, kept: Mapping[str, Facts | None]) -> None:
    abstracts: dict[str, Abstract] = {}
    for entry in program.inputs:
        abstract = input_facts(program, entry)
        if entry.base is not None:
            abstract = replace(abstract, facts=abstracts[entry.base].facts)
        left = kept.get(entry.name)
        if left is not None and abstract.facts is not None and isinstance(abstract.type, TensorType):
            abstract = replace(abstract, facts=fit(hull(abstract.facts, left), abstract.type.dtype))
        abstracts[entry.name] = abstract
        environment.define(entry.value, abstract)


def container(kind: str, items: Sequence[Abstract], keys: tuple[str, ...] = ()) -> Abstract:
    """The abstract value of a Python container."""
    return Abstract(ContainerType(kind, tuple(item.type for item in items), keys), None, tuple(items))
