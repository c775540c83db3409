"""The chain rule over the named quantities of a problem, backwards, recorded as it goes.

Each named quantity is one node. Its adjoint is the sum of what the quantities computed from it send
back; it is written with their adjoints' names, or, where something cancels then, with what these
stand for. Every quantity is visited once: the work grows linearly with the depth of a network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from fractions import Fraction
from typing import Final

from derive.calculus.derivation import Derivation, Line, Result, Source, Step, Sweep
from derive.calculus.higher import higher_sweeps
from derive.calculus.jacobians import jacobian_sweep
from derive.calculus.laws import laws_between
from derive.calculus.naming import Namer
from derive.calculus.order import computed_from, depending_on
from derive.calculus.reverse import adjoints
from derive.errors import InputError, UnsupportedError
from derive.problem import Definition, Problem, Request, free_name
from derive.problem import Variable as Given
from derive.shapes import ONE, same
from derive.tensor.algebra import add, contract, number, transpose, zero
from derive.tensor.facts import VARIED, Reason, is_symmetric
from derive.tensor.incidence import lower as lower_ones
from derive.tensor.lowering import is_row, lower, tensor_shape
from derive.tensor.nodes import Delta, Tensor, Variable
from derive.tensor.simplification import simplify
from derive.tensor.substitution import coefficient_of, substitute, variables_of

__all__ = ["derive"]


def derive(problem: Problem) -> Derivation:
    """Derive everything that a problem asks for.

    Raises:
        UnsupportedError: A function without a law, or a request that is no gradient.
        InputError: The derivative asked for has no meaning.
    """
    try:
        return _derived(problem)
    except ZeroDivisionError:
        raise InputError("there is a division by zero in the problem, so it has no value") from None


def _derived(problem: Problem) -> Derivation:
    names = _quantities(problem)
    gradients: dict[str, dict[str, None]] = {}
    jacobians: dict[str, dict[str, None]] = {}
    for request in problem.requests:
        wanted = jacobians if request.kind == "jacobian" else gradients
        first = request.wrt[:1] if request.kind == "derivative" else request.wrt
        wanted.setdefault(request.of, {}).update(dict.fromkeys(first))
    again = any(request.kind in REPEATED for request in problem.requests)
    sweeps: list[Sweep] = []
    for of, wrt in gradients.items():
        adjoints_ = {step.adjoint.name for s in sweeps for step in s.steps if again}
        taken = {*names, *adjoints_}
        sweeps.append(_Backwards(problem, names, names[of], [names[w] for w in wrt], taken).sweep())
    sweeps += [
        jacobian_sweep(names[of], [names[w] for w in wrt], [*names.values()], of)
        for of, wrt in jacobians.items()
    ]
    sweeps += _second(problem, names, sweeps)
    for request in problem.requests:
        if request.kind == "derivative":
            found, between = _higher(request, names, sweeps)
            sweeps += found
            names |= {variable.name: variable for variable in between}
    return Derivation(problem, names, tuple(sweeps))


def _higher(
    request: Request, names: dict[str, Variable], sweeps: Sequence[Sweep]
) -> tuple[list[Sweep], list[Variable]]:
    """The sweeps of a derivative of third or higher order, and the names of those in between."""
    if len(request.wrt) < 3:
        raise InputError(
            f"a derivative of order {len(request.wrt)} is asked for",
            ("Name three variables or more; ask grad for the first, hessian for the second.",),
        )
    gradient = next(s for s in sweeps if s.kind == "grad" and s.of.name == request.of)
    known = {step.quantity.name: step.adjoint for step in gradient.steps}
    chain = [names[name] for name in request.wrt]
    taken = {variable.name for variable in (*names.values(), *known.values())}
    bar = known.setdefault(chain[0].name, _without_influence(chain[0], taken))
    everything = [*names.values(), *known.values()]
    taken.add(bar.name)
    return higher_sweeps(request.of, bar, chain, everything, lambda wish: free_name(wish, taken))


def _second(problem: Problem, names: dict[str, Variable], first: Sequence[Sweep]) -> list[Sweep]:
    """The Jacobian of each gradient that a Hessian is asked of, with respect to all it is with.

    Of two variables, the second derivative is taken in one order.
    """
    wanted: dict[tuple[str, str], dict[str, None]] = {}
    for request in problem.requests:
        if request.kind == "hessian":
            _refuse_dependent(request, names)
            for name in request.wrt:
                others = request.wrt if request.joint else (name,)
                wanted.setdefault((request.of, name), {}).update(dict.fromkeys(others))
    found: dict[tuple[str, str], Sweep] = {}
    taken = {*names, *(step.adjoint.name for sweep in first for step in sweep.steps)}
    for (of, by), wrt in wanted.items():
        gradient = next(s for s in first if s.kind == "grad" and s.of.name == of)
        known = {step.quantity.name: step.adjoint for step in gradient.steps}
        bar = known.get(by) or _without_influence(names[by], taken)
        known[by] = bar
        taken.add(bar.name)
        everything = [*names.values(), *known.values()]
        before = [w for w in wrt if w != by and by in wanted.get((of, w), ()) and (of, w) in found]
        mixed = {names[w]: _jacobian_by(found[of, w], by) for w in before}
        asked = [names[w] for w in wrt]
        found[of, by] = jacobian_sweep(bar, asked, everything, of, by, mixed)
    return list(found.values())


def _jacobian_by(sweep: Sweep, name: str) -> Variable | None:
    """The Jacobian of a sweep by a variable; None where it is 0."""
    return next((step.adjoint for step in sweep.steps if step.quantity.name == name), None)


def _refuse_dependent(request: Request, names: dict[str, Variable]) -> None:
    """A quantity and what it is computed from do not vary independently."""
    for name in request.wrt if request.joint else ():
        within = {quantity.name for quantity in computed_from(names[name])} - {name}
        if inner := next((other for other in request.wrt if other in within), ""):
            raise UnsupportedError(
                f"the Hessian of {request.of} with respect to {inner} and {name} together: "
                f"{name} is computed from {inner}, so they do not vary independently",
                (f"Ask for hessian {request.of} wrt {', '.join(request.wrt)}: one each.",),
            )


REPEATED: Final = frozenset({"hessian", "derivative"})
"""Requests for which a gradient is differentiated again."""


def _without_influence(variable: Variable, taken: Set[str]) -> Variable:
    """The gradient with respect to a variable that the scalar does not depend on."""
    name, none = free_name(f"{variable.name}_bar", taken), frozenset[str]()
    return Variable(name, variable.shape, none, zero(variable.shape), "adjoint", variable.row)


def _quantities(problem: Problem) -> dict[str, Variable]:
    """Every quantity as a tensor variable, inner parts named, in the order of computation."""
    names: dict[str, Variable] = {}
    again = {w for request in problem.requests if request.kind in REPEATED for w in request.wrt}
    for given in problem.variables.values():
        shape, row = tensor_shape(given.shape), is_row(given.shape)
        facts = _facts(given, given.name in again)
        names[given.name] = Variable(given.name, shape, facts, row=row)
    taken = [*problem.variables, *problem.definitions, *problem.sizes]
    namer = Namer(taken, lambda variable: names.update({variable.name: variable}))
    for definition in problem.definitions.values():
        body = namer.body(lower(definition.expression, names))
        names[definition.name] = Variable(
            definition.name,
            tensor_shape(definition.shape),
            _facts(definition, definition.name in again),
            body,
            "defined" if definition.given else "introduced",
            is_row(definition.shape),
        )
    return names


EQUATIONS: Final = frozenset({"signs", "probability", "onehot", "orthogonal"})
"""Facts that do not hold nearby, so that a gradient must not use them where it is differentiated
by the variable again."""


def _facts(quantity: Given | Definition, again: bool) -> frozenset[str]:
    """The facts that hold of a quantity's tensor.

    Probabilities in the rows of a matrix with one column say nothing of its one axis.

    Args:
        quantity: A variable or a definition.
        again: Whether a gradient is differentiated by it.
    """
    shape, facts = quantity.shape, quantity.facts
    if again:
        facts = facts - EQUATIONS | {VARIED}
    if len(shape) == 2 and same(shape[1], ONE) and not same(shape[0], ONE):
        return facts - {"probability", "onehot"}
    return facts


class _Backwards:
    """One reverse sweep."""

    def __init__(
        self,
        problem: Problem,
        names: dict[str, Variable],
        of: Variable,
        wrt: Sequence[Variable],
        taken: Set[str],
    ) -> None:
        if of.order:
            raise InputError(f"the gradient is of a scalar, and {of.name} is none")
        self.problem, self.of, self.wrt = problem, of, wrt
        self.names, self.taken = names, taken
        self.named = {v.value: v for v in names.values() if v.value and v.role == "introduced"}
        reached = computed_from(of)
        self.order = [quantity for quantity in names.values() if quantity in reached]
        self.needed = depending_on(self.order, wrt)
        self.parts = {
            user: [part for part in variables_of(user.value) if part in self.needed]
            for user in self.order
            if user.value is not None and user in self.needed
        }
        self.users = Counter(part for parts in self.parts.values() for part in parts)
        self.pending: dict[Variable, list[Source]] = {}
        self.adjoint: dict[Variable, Variable] = {}
        self.steps: list[Step] = []

    def sweep(self) -> Sweep:
        """Go back from the scalar to every variable asked about."""
        one = number(1)
        self.adjoint[self.of] = Variable(self._bar(self.of), (), frozenset(), one, "adjoint")
        for quantity in reversed(self.order):
            if quantity not in self.needed or (quantity.value is None and quantity is not self.of):
                continue
            if quantity is not self.of:
                self._step(quantity)
            self._send(quantity)
            for given in self._complete(quantity):
                self._step(given)
        results = tuple(self._result(variable) for variable in self.wrt)
        used = {
            part for step in self.steps for line in step.lines for part in variables_of(line.tensor)
        }
        shown = used | set(self.order)
        forward = tuple(v for v in self.names.values() if v.value is not None and v in shown)
        return Sweep(self.of, forward, tuple(self.steps), results)

    def _complete(self, user: Variable) -> list[Variable]:
        """The given variables that nothing after this user sends anything to, as asked for."""
        found = []
        for part in self.parts.get(user, ()):
            self.users[part] -= 1
            if part.value is None and not self.users[part]:
                found.append(part)
        return sorted(found, key=self.wrt.index)

    def _bar(self, quantity: Variable) -> str:
        name = f"{quantity.name}_bar"
        while name in self.taken:
            name += "_"
        return name

    def _send(self, quantity: Variable) -> None:
        """Hand a quantity's adjoint on to what it is computed from."""
        body = quantity.value
        if body is None:
            return
        adjoint = self.adjoint[quantity]
        assert adjoint.value is not None
        known = adjoint.value.size == 1 and not variables_of(adjoint.value)
        start: Tensor = adjoint.value if known else adjoint
        for target, sent in adjoints(body, start, quantity, self.needed, self.named).items():
            jacobian = None
            if not known and quantity.order <= 1 and target.order <= 1:
                jacobian = coefficient_of(sent, adjoint)
            source = Source(
                quantity, None if known else adjoint, jacobian, sent, laws_between(body, target)
            )
            self.pending.setdefault(target, []).append(source)

    def _step(self, quantity: Variable) -> None:
        """Collect what was sent to a quantity, and simplify it."""
        sources = tuple(self.pending.pop(quantity, ()))
        lines = _lines(quantity, sources)
        lines.extend(_with_structure(quantity, lines[-1].tensor))
        result = lines[-1].tensor
        name, none = self._bar(quantity), frozenset[str]()
        adjoint = Variable(name, quantity.shape, none, result, "adjoint", quantity.row)
        self.adjoint[quantity] = adjoint
        sought = quantity in self.wrt
        self.steps.append(Step(quantity, adjoint, sources, tuple(lines), sought))

    def _result(self, variable: Variable) -> Result:
        adjoint = self.adjoint.get(variable)
        gradient = zero(variable.shape) if adjoint is None else adjoint.value
        assert gradient is not None
        facts = variable.facts if variable.order == 2 else ()
        structure = next((f for f in STRUCTURES if f in facts), "")
        return Result(
            self.of.name,
            variable.name,
            gradient,
            structure,
            adjoint is not None,
        )


def _lines(quantity: Variable, sources: Sequence[Source]) -> list[Line]:
    """The equalities of a step, from what was sent to the shortest form."""
    sent = add((source.sent for source in sources), quantity.shape)
    kept = simplify(sent)
    values = {s.adjoint: s.adjoint.value for s in sources if s.adjoint is not None}
    opened_up = substitute(sent, values)
    short = simplify(opened_up)
    grown = sum(value.size - 1 for value in values.values() if value is not None)
    trivial = all(
        value is not None and value.size <= 1 and not isinstance(value, Variable)
        for value in values.values()
    )
    if values and not trivial and short.tensor.size >= kept.tensor.size + grown:
        return _chain(sent, sent, kept.tensor, kept.reasons)
    return _chain(sent, opened_up, short.tensor, short.reasons)


def _chain(
    sent: Tensor, inserted: Tensor, result: Tensor, reasons: tuple[Reason, ...]
) -> list[Line]:
    """What was sent, the adjoints inserted, without facts, with facts; each line once."""
    lines = [Line(sent, ())]
    if inserted is not sent:
        lines.append(Line(inserted, (Reason("inserted"),)))
    plain = simplify(inserted, facts=False)
    by_symmetry = any(reason.law == "symmetric" for reason in reasons)
    if not by_symmetry and plain.tensor is not lines[-1].tensor and plain.tensor is not result:
        lines.append(Line(plain.tensor, plain.reasons))
    if result is not lines[-1].tensor:
        lines.append(Line(result, reasons))
    return lines


STRUCTURES = ("symmetric", "positive_definite", "diagonal", "lower_triangular")


def _with_structure(quantity: Variable, gradient: Tensor) -> list[Line]:
    """The gradient with the structure of its variable, if that differs."""
    if quantity.value is not None:
        return []
    if "diagonal" in quantity.facts and quantity.order == 2:
        axes = (0, 1)
        found = contract(1, [(gradient, axes), (Delta(quantity.shape[0]), axes)], axes)
        reason = Reason("diagonal_variable", (quantity,))
    elif quantity.facts & {"symmetric", "positive_definite"} and quantity.order == 2:
        if is_symmetric(gradient):
            return []
        half = Fraction(1, 2)
        terms = [
            contract(half, [(part, (0, 1))], (0, 1), dict(enumerate(gradient.shape)))
            for part in (gradient, transpose(gradient))
        ]
        found = add(terms, gradient.shape)
        reason = Reason("symmetric_variable", (quantity,))
    elif "lower_triangular" in quantity.facts and quantity.order == 2:
        axes = (0, 1)
        found = contract(1, [(gradient, axes), (lower_ones(*quantity.shape), axes)], axes)
        reason = Reason("lower_triangular_variable", (quantity,))
    else:
        return []
    short = simplify(found)
    if short.tensor is gradient:
        return []
    return [Line(short.tensor, (reason, *short.reasons))]
