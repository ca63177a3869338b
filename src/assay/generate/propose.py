"""Proposing one operation: operands from what exists or made fresh, attributes by class, a form; accepted only as the
specification says.

The operator comes first and its operands are made to fit it, so that every operator gets its share (a generator that
takes whatever fits what
exists starves all but elementwise operators). Values are taken where they fit, clamped where they leave a domain, and
made as inputs otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from typing import Any

from assay.generate.builder import Builder, Fresh
from assay.ir.program import KEPT, Literal, Operand
from assay.ir.sizes import Sym, largest, smallest
from assay.ir.types import BOOL, ScalarType, TensorType, is_complex, is_float, is_integral
from assay.ops.assume import is_free
from assay.ops.catalogue import load
from assay.ops.errors import rounds
from assay.ops.facts import Facts, Interval, Unsatisfied, constant, require
from assay.ops.interpret import Abstract, Applied, apply_operator, domain_of, require_apart
from assay.ops.protocol import Binding, Operator, bind
from assay.ops.protocol import Operand as OperandSpecification
from assay.ops.text import forms

DEFAULT_SHARE = 0.2
ATTEMPTS = 8
CLAMP = "unary.clamp"
# How often a new input has each rank.
RANK_WEIGHTS = (4, 10, 16, 14, 12, 4, 1)

_INTS = (1, 2, 3, -1, -2, 0, 4, 5)
_NUMBERS = (0.5, 2.0, -1.0, 1.5, -0.5, 0.25, 3.0, 0.0, -2.0)

Choice = str | Literal | Sym | Fresh | None | tuple["str | Fresh", ...]


def propose(
    builder: Builder, operator: Operator, *, first: str | None = None, wanted: TensorType | None = None
) -> tuple[str, ...] | None:
    """Append one operation of this operator; the names of its results, or None where no attempt was accepted.

    ``first`` fixes the first operand; ``wanted`` is the type that the first result must have.
    """
    # What rounds is exact with few operands: more attempts would fail as well.
    attempts = 2 if builder.policy.exact and _rounds(operator.name) else ATTEMPTS
    for attempt in range(attempts):
        # The last attempts make their operands, so that an operator whose operands never arise by themselves still
        # gets its share.
        fresh = first is None and (attempt >= attempts // 2 or builder.rng.random() < 0.12)
        proposal = Proposal(builder, operator)
        try:
            proposal.draw(first, fresh)
            proposal.check(wanted)
            return proposal.commit()
        except Unsatisfied:
            continue
    return None


@cache
def _rounds(name: str) -> bool:
    return rounds(load()[name])


def takes(operator: Operator, type_: object, heads: bool = False) -> bool:
    """Whether some operand of an operator may be a tensor of this dtype and rank; with ``heads`` its first."""
    operands = operator.operands[:1] if heads else operator.operands
    return isinstance(type_, TensorType) and any(
        type_.dtype in operand.dtypes and type_.rank in operand.ranks for operand in operands
    )


class Proposal:
    """One attempt: everything is chosen and checked before anything is changed."""

    def __init__(self, builder: Builder, operator: Operator) -> None:
        self.builder = builder
        self.rng = builder.rng
        self.operator = operator
        self.binding = Binding()
        self.attributes: dict[str, Any] = {}
        self.choices: list[Choice] = []
        self.clamps: list[tuple[int, Interval]] = []

    def draw(self, first: str | None, fresh: bool) -> None:
        """Choose operands and attributes. Raises Unsatisfied."""
        head, *rest = self.operator.operands
        chosen: Choice
        if first is None:
            chosen = self._head(head, fresh)
        else:
            require(self._fits(head, first, self.builder.environment.values[first]), "the given operand does not fit")
            chosen = first if head.many is None else (first,)
        self._choose(head, chosen)
        self._draw_attributes()
        if head.many is not None:
            self._complete(head, 0)
        for specification in rest:
            self._choose(specification, self._operand(specification, fresh))
            if specification.many is not None:
                self._complete(specification, len(self.choices) - 1)

    def check(self, wanted: TensorType | None = None) -> None:
        """Hold what was chosen to the specification, the policy and the dialect. Raises Unsatisfied."""
        builder = self.builder
        if builder.policy.training and self.operator.trains is not None:
            require(self.operator.trains(self.binding), "backward does not work with these operands")
        if builder.policy.training and self.operator.gradients is not None:
            self._keep_gradients(self.operator.gradients)
        self._keep_domains()
        self.applied = self._apply("function" if not self.operator.inplace_only else "inplace")
        if self.operator.writes:
            given = [choice if isinstance(choice, str) else None for choice in self.choices]
            written = [position for position, _ in self.applied.written]
            require_apart(given, written, None, builder.environment.storage)
        if wanted is not None:
            require(self.applied.results[0].type == wanted, "another type is wanted")
        if builder.policy.exact:
            self._keep_exact()
        if not builder.policy.decisions:
            tipped = any(result.facts is not None and result.facts.tipped for result in self.applied.results)
            require(not tipped, "a rounded value reaches a jump")
        self._keep_expressible()

    def _choose(self, specification: OperandSpecification, choice: Choice) -> None:
        self.choices.append(choice)
        self._bind(specification, choice)

    # operands

    def _head(self, specification: OperandSpecification, fresh: bool) -> Choice:
        if not fresh:
            found = self._existing(specification)
            if found is not None:
                return found if specification.many is None else (found,)
        made = self._made(specification)
        return made if specification.many is None else (made,)

    def _existing(self, specification: OperandSpecification) -> str | None:
        """A visible value that fits, recent and unused ones first."""
        environment = self.builder.environment
        visible = self.builder.visible()
        candidates = []
        for name in visible:
            abstract = environment.values[name]
            if self._fits(specification, name, abstract):
                candidates.append(name)
        if not candidates:
            return None
        if self.builder.preferred in candidates:
            return self.builder.preferred
        # What operations have made goes before what was passed in: programs are to be deep.
        made = [name for name in candidates if name not in self.builder.arguments[0]]
        if made and self.rng.random() < 0.8:
            candidates = made
        if self.rng.random() < 0.6:
            recent = candidates[-5:]
            unused = [name for name in recent if self.builder.tracked[name].uses == 0]
            candidates = unused or recent
        return self.rng.choice(candidates)

    def _fits(self, specification: OperandSpecification, name: str, abstract: Abstract) -> bool:
        type_ = abstract.type
        if not isinstance(type_, TensorType) or type_.dtype not in specification.dtypes:
            return False
        if type_.rank not in specification.ranks or abstract.facts is None:
            return False
        if specification.distinct:
            return False
        if self.builder.tracked[name].grad and not self._takes_gradients(specification):
            return False
        refused = self._refused_layouts(specification)
        # Whether a value has gaps is not tracked, so that only a new input is known to have none.
        if "sliced" in refused or ("expanded" in refused and self.builder.tracked[name].overlaps):
            return False
        if abstract.facts.tipped and not self.builder.policy.decisions:
            return False
        rounded = not is_integral(type_.dtype) and not abstract.facts.exact
        if specification.jumps is True and rounded and not self.builder.policy.decisions:
            return False
        if specification.name in self.operator.writes and not self._may_write(name):
            return False
        if specification is self.operator.operands[0]:
            return not self.operator.inplace_only or self._may_write(name)
        return specification.accepts is None or specification.accepts(self.binding, type_)

    def _keep_expressible(self) -> None:
        def operand(choice: Choice) -> Any:
            return choice if choice is None or isinstance(choice, Literal) else self._type_of(choice)

        results = [result.type for result in self.applied.results if isinstance(result.type, TensorType)]
        operands = [operand(choice) for choice in self.choices]
        nodes = self.builder.dialect.check(self.operator, self.binding, operands, results)
        self._keep_held(self.applied.results, nodes)
        self._keep_held(map(self._abstract, self.choices), nodes)
        clamp = self.builder.operators[CLAMP]
        for position, interval in self.clamps:
            abstract = self._abstract(self.choices[position])
            assert isinstance(abstract.type, TensorType)
            assert abstract.facts is not None
            attributes, _ = self._clamped(abstract.facts, abstract.type, interval)
            binding = bind(clamp, [abstract.type], attributes)
            nodes = self.builder.dialect.check(clamp, binding, [abstract.type], [abstract.type])
            self._keep_held([abstract], nodes)

    def _keep_held(self, abstracts: Iterable[Any], nodes: Set[str]) -> None:
        for abstract in abstracts:
            if isinstance(abstract, tuple):
                self._keep_held(abstract, nodes)
            elif abstract is not None and abstract.facts is not None and isinstance(abstract.type, TensorType):
                self.builder.dialect.hold(abstract.type.dtype, abstract.facts, nodes)

    def _takes_gradients(self, specification: OperandSpecification) -> bool:
        """Whether backward works where this operand requires a gradient."""
        return not specification.no_gradient and (self.operator.differentiable or self.operator.stops_gradients)

    def _may_write(self, name: str) -> bool:
        return self.builder.writable(name) and not self.builder.tracked[name].grad

    def _made(self, specification: OperandSpecification) -> Fresh:
        """An input that fits."""
        palette = self.builder.palette
        if specification.make is not None:
            type_ = specification.make(self.binding, palette)
        else:
            like = getattr(self.binding, "first", None) if specification is not self.operator.operands[0] else None
            type_ = like if isinstance(like, TensorType) else self._free_type(specification)
        interval = self._interval(specification)
        require(
            specification.accepts is None
            or specification is self.operator.operands[0]
            or specification.accepts(self.binding, type_),
            "what was made does not fit",
        )
        takes = self._takes_gradients(specification) and specification.name not in self.operator.writes
        return self.builder.fresh(
            type_,
            interval,
            self.operator.thresholds,
            specification.distinct,
            takes,
            self._refused_layouts(specification),
        )

    def _refused_layouts(self, specification: OperandSpecification) -> frozenset[str]:
        if specification.dense_to_train and self.builder.policy.training:
            return frozenset({"expanded", "sliced", "permuted", "channels_last"})
        return frozenset({"expanded"}) if specification.no_overlap else frozenset()

    def _free_type(self, specification: OperandSpecification) -> TensorType:
        policy = self.builder.policy
        # The policy's dtypes where the operator takes them; bool is rare as an input, being what comparisons give.
        preferred = [dtype for dtype in policy.dtypes if dtype in specification.dtypes and dtype != "bool"]
        dtypes: Sequence[str] = preferred or specification.dtypes
        floats = [dtype for dtype in dtypes if is_float(dtype)]
        if floats and self.rng.random() < 0.75:
            dtypes = floats
        elif self.rng.random() < 0.1 and "bool" in specification.dtypes:
            dtypes = BOOL
        weights = [RANK_WEIGHTS[rank] for rank in specification.ranks]
        rank = self.rng.choices(specification.ranks, weights)[0]
        return TensorType(self.rng.choice(dtypes), self.builder.palette.shape(rank))

    def _interval(self, specification: OperandSpecification) -> Interval | None:
        try:
            interval = domain_of(specification, self.binding)
        except AttributeError:
            # The domain depends on an operand that is not bound yet; `_keep_domains` looks again.
            return None
        assert interval is None or isinstance(interval, Interval)
        return interval

    def _operand(self, specification: OperandSpecification, fresh: bool) -> Choice:
        if specification.optional and self.rng.random() < 0.4:
            return None
        if specification.scalars and self.rng.random() < self.builder.policy.scalars:
            scalar = self._scalar(specification)
            if scalar is not None:
                return scalar
        if not fresh or self.rng.random() < 0.5:
            found = self._existing(specification)
            if found is not None:
                return found if specification.many is None else (found,)
        made = self._made(specification)
        return made if specification.many is None else (made,)

    def _scalar(self, specification: OperandSpecification) -> Choice:
        """A Python number: a constant, or an argument of the program."""
        head = getattr(self.binding, self.operator.operands[0].name)
        kinds = list(specification.scalars)
        if isinstance(head, TensorType) and is_integral(head.dtype) and "int" in kinds and self.rng.random() < 0.8:
            kinds = ["int"]
        kind = self.rng.choice(kinds)
        interval = self._interval(specification)
        if self.rng.random() < 0.25:
            known = [
                entry.name
                for entry in self.builder.inputs
                if isinstance(entry.value.type, ScalarType) and entry.value.type.kind == kind
            ]
            name = self.rng.choice(known) if known and self.rng.random() < 0.6 else self.builder.add_scalar(kind)
            facts = self.builder.environment.values[name].facts
            if interval is None or (facts is not None and facts.within(interval)):
                return name
        values: Sequence[int | float] = _INTS if kind == "int" else _NUMBERS
        if kind == "bool":
            values = (True, False)
        legal = [v for v in values if interval is None or interval.low <= v <= interval.high]
        return Literal(self.rng.choice(legal)) if legal else None

    def _complete(self, specification: OperandSpecification, position: int) -> None:
        """More tensors for a list operand."""
        assert specification.many is not None
        head = self.choices[position]
        assert isinstance(head, tuple)
        low, high = specification.many
        count = self.rng.randint(max(low, 1), high)
        items = list(head)
        while len(items) < count:
            found = self._existing_like(specification) if self.rng.random() < 0.7 else None
            items.append(found if found is not None else self._made(specification))
        self.choices[position] = tuple(items)
        self._bind(specification, self.choices[position])

    def _existing_like(self, specification: OperandSpecification) -> str | None:
        environment = self.builder.environment
        fitting = []
        for name in self.builder.visible():
            abstract = environment.values[name]
            type_ = abstract.type
            if isinstance(type_, TensorType) and abstract.facts is not None and type_.dtype in specification.dtypes:
                accepts = specification.accepts
                if type_.rank in specification.ranks and (accepts is None or accepts(self.binding, type_)):
                    fitting.append(name)
        return self.rng.choice(fitting) if fitting else None

    def _bind(self, specification: OperandSpecification, choice: Choice) -> None:
        types: Any = self._type_of(choice)
        setattr(self.binding, specification.name, types)
        if isinstance(types, tuple):
            setattr(self.binding, "first", types[0])  # noqa: B010 - bindings hold whatever names a specification has

    def _type_of(self, choice: Choice) -> Any:
        if isinstance(choice, tuple):
            return tuple(self._type_of(item) for item in choice)
        abstract = self._abstract(choice)
        return None if abstract is None else abstract.type

    def _abstract(self, choice: Choice) -> Any:
        if choice is None:
            return None
        if isinstance(choice, tuple):
            return tuple(self._abstract(item) for item in choice)
        if isinstance(choice, str):
            return self.builder.environment.values[choice]
        if isinstance(choice, Literal):
            return Abstract(ScalarType(type(choice.value).__name__), constant(float(choice.value)))
        if isinstance(choice, Sym):
            return Abstract(ScalarType("int"), Facts(smallest(choice), largest(choice), 0))
        return choice.abstract

    # attributes and conditions

    def _draw_attributes(self) -> None:
        for attribute in self.operator.attributes:
            classes = {name: values for name, values in attribute.classes(self.binding).items() if len(values)}
            require(bool(classes), f"no legal value of {attribute.name}")
            names = list(classes)
            if "default" in names and len(names) > 1 and self.rng.random() >= DEFAULT_SHARE:
                names.remove("default")
            elif "default" in names:
                names = ["default"]
            value = self.rng.choice(classes[self.rng.choice(names)])
            self.attributes[attribute.name] = value
            setattr(self.binding, attribute.name, value)

    def _keep_gradients(self, works: Callable[[Binding, frozenset[str]], bool]) -> None:
        """Whichever of the operands turn out to require a gradient, backward works; made ones forgo theirs for it, the
        last first."""
        names = [specification.name for specification in self.operator.operands]
        surely, perhaps = set(), []
        for name, choice in zip(names, self.choices, strict=True):
            if isinstance(choice, str) and self.builder.surely_grad(choice):
                surely.add(name)
            elif isinstance(choice, Fresh) or (isinstance(choice, str) and self._may_require(choice)):
                perhaps.append(name)

        def always() -> bool:
            subsets = (combinations(perhaps, count) for count in range(len(perhaps) + 1))
            return all(works(self.binding, frozenset({*surely, *some})) for some in chain.from_iterable(subsets))

        for position in reversed(range(len(names))):
            choice = self.choices[position]
            if always():
                return
            if isinstance(choice, Fresh):
                self.choices[position] = replace(choice, gradients=False)
                perhaps.remove(names[position])
        require(always(), "backward does not work where these operands require a gradient")

    def _may_require(self, name: str) -> bool:
        return name in self.builder.tracked and self.builder.tracked[name].grad

    def _keep_domains(self) -> None:
        """Operands that leave their domain are clamped into it, if a clamp can be had."""
        for position, specification in enumerate(self.operator.operands):
            choice = self.choices[position]
            if specification.domain is None or choice is None:
                continue
            interval = domain_of(specification, self.binding)
            if interval is None:
                continue
            for item in choice if isinstance(choice, tuple) else (choice,):
                abstract = self._abstract(item)
                if abstract.facts is None or abstract.facts.within(interval):
                    continue
                if self.builder.policy.values != KEPT and is_free(abstract, self.builder.policy.values):
                    # The search brings it there, or it is to be elsewhere; `apply_operator` sees whether it can be.
                    continue
                require(isinstance(item, str) and not isinstance(choice, tuple), "a made operand leaves the domain")
                require(specification.name not in self.operator.writes, "what is written is not clamped")
                require(CLAMP in self.builder.operators, "nothing clamps here")
                type_ = abstract.type
                clamped = isinstance(type_, TensorType) and type_.dtype != "bool" and not is_complex(type_.dtype)
                require(clamped, "neither bools nor complex numbers are clamped")
                require(self.rng.random() < 0.7 and not self.operator.inplace_only, "another operand may fit")
                self.clamps.append((position, interval))

    def _clamped(self, facts: Facts, type_: TensorType, interval: Interval) -> tuple[dict[str, Any], Abstract]:
        """Attributes of the clamp into an interval, and what is known of its result."""
        integral = is_integral(type_.dtype)
        # A bound that already holds is written too where every dtype has it, so that clamps of one side do not prevail.
        low = _bound(interval.low, integral) if facts.low < interval.low or abs(interval.low) <= 64 else None
        high = _bound(interval.high, integral) if facts.high > interval.high or abs(interval.high) <= 64 else None
        attributes = {"min": low, "max": high}
        clamp = self.builder.operators[CLAMP]
        values = self.builder.policy.values
        (result,) = apply_operator(clamp, [Abstract(type_, facts)], attributes, values=values).results
        return attributes, result

    def _apply(self, form: str) -> Applied:
        abstracts = [self._abstract(choice) for choice in self.choices]
        for position, interval in self.clamps:
            abstract = abstracts[position]
            _, abstracts[position] = self._clamped(abstract.facts, abstract.type, interval)
        return apply_operator(self.operator, abstracts, self.attributes, form, self.builder.policy.values)

    def _keep_exact(self) -> None:
        for result in self.applied.results:
            assert isinstance(result.type, TensorType)
            assert result.facts is not None
            require(result.facts.exact or is_integral(result.type.dtype), "the policy asks for exact arithmetic")

    # commitment

    def commit(self) -> tuple[str, ...]:
        """Make inputs of what is fresh, clamp what must be, choose a form and append."""
        builder = self.builder
        form, out = self._form()
        written = {*self.operator.writes, *([self.operator.operands[0].name] if form == "inplace" else [])}
        operands: list[Operand] = [
            self._real(choice, specification.name in written)
            for specification, choice in zip(self.operator.operands, self.choices, strict=True)
        ]
        for position, interval in self.clamps:
            name = operands[position]
            assert isinstance(name, str)
            abstract = builder.environment.values[name]
            assert isinstance(abstract.type, TensorType)
            assert abstract.facts is not None
            attributes, result = self._clamped(abstract.facts, abstract.type, interval)
            clamp = builder.operators[CLAMP]
            (operands[position],) = builder.add_operation(clamp, [name], attributes, Applied((result,)), "function")
        applied = self.applied if out is None and form != "inplace" else self._apply(form)
        return builder.add_operation(self.operator, operands, self.attributes, applied, form, out)

    def _real(self, choice: Choice, written: bool) -> Operand:
        if isinstance(choice, Fresh):
            return self.builder.add_input(choice, written)
        if isinstance(choice, tuple):
            return tuple(item if isinstance(item, str) else self.builder.add_input(item) for item in choice)
        return choice

    def _form(self) -> tuple[str, str | None]:
        """How the operation is written: function, method, operator, in place, or with out=."""
        if self.operator.inplace_only:
            self._check_target()
            return "inplace", None
        available = forms(self.operator, self.attributes)
        policy, rng = self.builder.policy, self.rng
        if (self.builder.writing or rng.random() < policy.mutation) and not self.clamps:
            if "inplace" in available and self._takes_in_place():
                return "inplace", None
            if "out" in available:
                out = self._out()
                if out is not None:
                    return "out", out
        if rng.random() < policy.forms:
            plain = [form for form in available if form in ("method", "operator") and self._tensor_first()]
            if plain:
                return rng.choice(plain), None
        return "function", None

    def _tensor_first(self) -> bool:
        return isinstance(self.choices[0], str | Fresh)

    def _names(self) -> list[str]:
        return self._values(self.choices[1:])

    def _values(self, choices: Sequence[Choice]) -> list[str]:
        flat: list[str] = []
        for choice in choices:
            items = choice if isinstance(choice, tuple) else (choice,)
            flat += [item for item in items if isinstance(item, str) and item in self.builder.tracked]
        return flat

    def _check_target(self) -> None:
        target = self.choices[0]
        if isinstance(target, str):
            require(self._may_be_written(target), "the target may not be written")
        else:
            require(isinstance(target, Fresh) and not self.builder.policy.training, "no fresh target while training")

    def _may_be_written(self, target: str) -> bool:
        builder = self.builder
        storage = builder.environment.storage
        sources = self._names()
        grad = any(builder.tracked[name].grad for name in sources) or self._fresh_grad()
        if grad and not self.operator.differentiable:
            # Autograd asserts where a comparison writes a tensor in place (bugs/inplace-comparison-gradient).
            return False
        if builder.repeats and (sources or builder.policy.training):
            # The second turn would write what the first has saved for backward; and in what is run twice an operand
            # may be what the first turn returned: the target itself, or a view of it.
            return False
        # Operands that overlap the target partly are refused by torch, and in what order they are read is nobody's
        # promise.
        apart = all(storage.get(name) != storage.get(target) for name in sources)
        return apart and builder.writable(target, grad)

    def _takes_in_place(self) -> bool:
        target = self.choices[0]
        if not isinstance(target, str) or len(self.applied.results) != 1:
            return False
        if self.builder.policy.training and not self.operator.trains_inplace:
            return False
        if self.builder.environment.values[target].type != self.applied.results[0].type:
            return False
        if not self._may_be_written(target):
            return False
        if self.operator.view and any(target == each.name for each in self.builder.inputs) and self.rng.random() < 0.8:
            # Dynamo breaks the graph at a view in place of an argument, which is seldom the test.
            return False
        try:
            self._apply("inplace")
        except Unsatisfied:
            return False
        return True

    def _out(self) -> str | None:
        """An existing value that takes the result by out=: autograd has no part in it."""
        builder = self.builder
        if len(self.applied.results) != 1 or self.operator.writes or builder.repeats:
            return None
        sources = self._values(self.choices)
        if any(builder.tracked[name].grad for name in sources) or self._fresh_grad():
            return None
        storage = builder.environment.storage
        taken = {storage.get(name) for name in sources}
        wanted = self.applied.results[0].type
        fitting = [
            name
            for name in builder.visible()
            if builder.environment.values[name].type == wanted
            and storage.get(name) not in taken
            and not builder.tracked[name].grad
            and builder.writable(name)
        ]
        return self.rng.choice(fitting) if fitting else None

    def _fresh_grad(self) -> bool:
        """Whether an input that is still to be made might require a gradient."""
        items = [item for choice in self.choices for item in (choice if isinstance(choice, tuple) else (choice,))]
        return self.builder.policy.training and any(isinstance(item, Fresh) for item in items)


def _bound(value: float, integral: bool) -> int | float:
    return int(value) if integral or value == int(value) else value
