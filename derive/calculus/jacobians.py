"""Jacobians by the chain rule over the named quantities, backwards, recorded as it goes.

``∂y/∂v`` is the sum of ``(∂y/∂u) (∂u/∂v)`` over every quantity u that is computed from v. Arrays
count as their vec: the rows of ``∂y/∂v`` are the entries of y, its columns those of v, a matrix
column by column. A Hessian is the Jacobian of a gradient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from derive.calculus.derivation import Line, Result, Source, Step, Sweep
from derive.calculus.laws import laws_between, local_laws
from derive.calculus.order import computed_from, depending_on
from derive.calculus.reverse import adjoints
from derive.calculus.rules import RULES, ArrayRule
from derive.errors import UnsupportedError
from derive.shapes import Shape, times
from derive.tensor import incidence
from derive.tensor.algebra import ONE, add, contract, terms_of, transpose, zero
from derive.tensor.facts import Reason
from derive.tensor.nodes import Call, Contraction, Delta, Factor, Sum, Tensor, Variable
from derive.tensor.parts import children
from derive.tensor.simplification import simplify
from derive.tensor.substitution import coefficient_of, substitute, variables_of

STRUCTURED = frozenset({"symmetric", "positive_definite", "diagonal", "lower_triangular"})
LONGEST = 40
"""A Jacobian keeps its name in the next one where more symbols than this would be written."""

__all__ = [
    "by_entries",
    "entries_of",
    "is_zero",
    "jacobian_sweep",
    "local_jacobian",
    "over_pairs",
    "vec_shape",
    "vectorised",
]


def vec_shape(shape: Shape) -> Shape:
    """The shape of an array's vec: one axis, none for a scalar."""
    if len(shape) < 2:
        return shape
    rows, columns = shape
    return (times(rows, columns),)


def vectorised(tensor: Tensor, first: int) -> Tensor:
    """A derivative whose axes are those of two arrays, as a matrix over the vecs of both.

    Args:
        tensor: Axes of the one, then those of the other; each has at most two.
        first: How many belong to the first.
    """
    factors: list[Factor] = [(tensor, tuple(range(tensor.order)), ONE)]
    free: list[int] = []
    for letters in (tuple(range(first)), tuple(range(first, tensor.order))):
        if len(letters) < 2:
            free.extend(letters)
            continue
        rows, columns = (tensor.shape[x] for x in letters)
        whole = tensor.order + len(free)
        factors.append((incidence.pair(columns, rows), (whole, letters[1], letters[0]), ONE))
        free.append(whole)
    return contract(1, factors, tuple(free))


def entries_of(jacobian: Tensor, first: Shape, second: Shape) -> Tensor:
    """A Jacobian over vecs as an array of all entries: columns, then rows, of either array.

    Args:
        jacobian: Over the vecs of two arrays.
        first, second: Their shapes.
    """
    factors: list[Factor] = []
    free: list[int] = []
    along: list[int] = []
    for start, shape in ((0, first), (10, second)):
        letters = tuple(range(start, start + len(shape)))
        free.extend(letters[::-1])
        if len(shape) < 2:
            along.extend(letters)
            continue
        along.append(start + 5)
        factors.append((incidence.pair(shape[1], shape[0]), (start + 5, *letters[::-1]), ONE))
    return contract(1, [(jacobian, tuple(along), ONE), *factors], tuple(free))


def by_entries(jacobian: Tensor, of: Variable, wrt: Variable) -> Tensor:
    """A Jacobian over vecs as an array of all entries, ``∂y[i,j]/∂x[k,l]``.

    Returns:
        Its axes are those of ``of``, then those of ``wrt``.
    """
    if of.order < 2 and wrt.order < 2:
        return jacobian
    shape = (*of.shape, *wrt.shape)
    axes = tuple(range(len(shape)))
    turned = (*axes[: of.order][::-1], *axes[of.order :][::-1])
    dims = dict(enumerate(shape))
    parts = [entries_of(term, of.shape, wrt.shape) for term in over_pairs(jacobian)]
    found = [term for part in parts for term in terms_of(part)]
    return add((contract(1, [(term, turned)], axes, dims) for term in found), shape)


def over_pairs(tensor: Tensor) -> list[Tensor]:
    """The terms of a tensor, multiplied out over sums that hold pairs of letters."""
    found: list[Tensor] = []
    axes, dims = tuple(range(tensor.order)), dict(enumerate(tensor.shape))
    for term in terms_of(tensor):
        places = [p for p, f in enumerate(term.factors) if f[2] == 1 and _has_pairs(f[0])]
        place = next((p for p in places if isinstance(term.factors[p][0], Sum)), None)
        if place is None:
            found.append(term)
            continue
        others = [factor for p, factor in enumerate(term.factors) if p != place]
        inner, letters, _ = term.factors[place]
        for part in terms_of(inner):
            wide = contract(term.coefficient, [*others, (part, letters)], axes, dims)
            found.extend(over_pairs(wide))
    return found


def _has_pairs(tensor: Tensor) -> bool:
    """Whether letters of a part of it are tied in pairs."""
    own = isinstance(tensor, Call) and tensor.function == "pair"
    return own or any(map(_has_pairs, children(tensor)))


def local_jacobian(body: Tensor, user: Variable, target: Variable) -> Tensor:
    """``∂u/∂v`` of a quantity with this formula, over the vecs of u and v.

    Raises:
        UnsupportedError: The law of a function in the formula has no closed form for a Jacobian.
    """
    above = Variable(f"{user.name}_bar", user.shape, role="adjoint")
    sent = adjoints(body, above, user, (target,))[target]
    if above not in variables_of(sent):
        return zero((*vec_shape(user.shape), *vec_shape(target.shape)))
    found = coefficient_of(sent, above)
    if found is None:
        raise UnsupportedError(_no_closed_form(body, user, target))
    return vectorised(found, user.order)


def _no_closed_form(body: Tensor, user: Variable, target: Variable) -> str:
    """Which function is to blame, and for what."""
    what = user.name
    if user.role == "adjoint":
        what = f"the gradient in {what.removesuffix('_bar')}"
    laws = [law.law for law in laws_between(body, target)]
    named = [law for law in laws if isinstance(RULES.get(law), ArrayRule)]
    blame = f": {' and '.join(named)} has none" if named else ""
    whole = f"the Jacobian of {what} with respect to {target.name}"
    return f"{whole} has no closed form here{blame}"


def jacobian_sweep(
    of: Variable,
    wrt: Sequence[Variable],
    names: Collection[Variable],
    label: str,
    by: str = "",
    mixed: Mapping[Variable, Variable | None] = MappingProxyType({}),
) -> Sweep:
    """The Jacobians of a quantity, from itself back to every variable asked about.

    Args:
        of: What is differentiated; a gradient for a Hessian.
        wrt: The variables.
        names: Every quantity, in the order of computation.
        label: Name of what the results are said to be of.
        by: For a Hessian, the variable of the gradient.
        mixed: For a Hessian, second derivatives by these variables that were taken in the other
            order: the Jacobian of each one's gradient by ``by``, None where it is 0.
    """
    for variable in wrt:
        _refuse_structure(variable, "Hessian" if by else "Jacobian")
    sweep = _Backwards(of, [variable for variable in wrt if variable not in mixed], names)
    sweep.run()
    for variable, other in mixed.items():
        if other is not None:
            step = _mixed(of, variable, other)
            sweep.known[variable] = step.adjoint
            sweep.steps.append(step)
    results = tuple(_result(of, variable, sweep.known, label, by) for variable in wrt)
    lines = (line.tensor for step in sweep.steps for line in step.lines)
    shown = {part for line in lines for part in variables_of(line)} | set(sweep.order)
    forward = tuple(v for v in names if v.value is not None and v in shown)
    return Sweep(of, forward, tuple(sweep.steps), results, "jacobian")


class _Backwards:
    """The way back: every quantity once, after all that are computed from it."""

    def __init__(self, of: Variable, wrt: Sequence[Variable], names: Collection[Variable]) -> None:
        self.of, self.wrt = of, wrt
        reached = computed_from(of)
        self.order = [quantity for quantity in names if quantity in reached]
        self.needed = depending_on(self.order, wrt)
        self.parts = {
            user: [part for part in variables_of(user.value) if part in self.needed]
            for user in self.order
            if user.value is not None and user in self.needed
        }
        self.users = Counter(part for parts in self.parts.values() for part in parts)
        self.known: dict[Variable, Variable] = {}
        self.pending: dict[Variable, list[Source]] = {}
        self.steps: list[Step] = []

    def run(self) -> None:
        """Go back; what is given follows the last quantity that is computed from it."""
        for quantity in reversed(self.order):
            if quantity.value is None or quantity not in self.needed:
                continue
            self._step(quantity)
            given = self._send(quantity)
            for part in sorted(given, key=self.wrt.index):
                self._step(part)

    def _step(self, quantity: Variable) -> None:
        """The Jacobian with respect to a quantity, if what is differentiated reaches it."""
        sources = self.pending.pop(quantity, [])
        if sources and quantity is not self.of:
            step = _step(self.of, quantity, sources, quantity in self.wrt)
            self.known[quantity] = step.adjoint
            self.steps.append(step)

    def _send(self, user: Variable) -> list[Variable]:
        """Hand on to what a quantity is computed from.

        Returns:
            The given variables that nothing is handed on to any more.
        """
        complete = []
        for part in self.parts[user]:
            if user is self.of or user in self.known:
                source = _sent(self.of, user, part, self.known.get(user))
                self.pending.setdefault(part, []).append(source)
            self.users[part] -= 1
            if part.value is None and not self.users[part]:
                complete.append(part)
        return complete


def _refuse_structure(variable: Variable, asked: str) -> None:
    """The entries of a structured matrix are not independent; which Jacobian is meant?"""
    facts = sorted(variable.facts & STRUCTURED)
    if facts and variable.order == 2:
        raise UnsupportedError(
            f"the {asked} with respect to {variable.name}: {variable.name} is declared "
            f"{facts[0]}, so its entries are not independent",
            (f"Declare {variable.name} without {facts[0]} to count its entries as independent.",),
        )


def _result(
    of: Variable,
    variable: Variable,
    known: dict[Variable, Variable],
    label: str,
    by: str,
) -> Result:
    jacobian = known.get(variable)
    if variable is of:
        value: Tensor | None = _identity_of(of)
    else:
        value = zero(_shape(of, variable)) if jacobian is None else jacobian.value
    assert value is not None
    occurs = jacobian is not None or variable is of
    kind, row = "hessian" if by else "jacobian", not of.order and value.order == 1
    return Result(label, variable.name, value, "", occurs, kind, by, row)


def is_zero(tensor: Tensor) -> bool:
    """Whether it is an array of zeros."""
    return isinstance(tensor, Contraction) and not tensor.coefficient


def _shape(of: Variable, variable: Variable) -> Shape:
    return (*vec_shape(of.shape), *vec_shape(variable.shape))


def _identity_of(variable: Variable) -> Tensor:
    shape = vec_shape(variable.shape)
    return Delta(shape[0]) if shape else contract(1, [])


def _sent(of: Variable, user: Variable, part: Variable, above: Variable | None) -> Source:
    """``(∂y/∂u) (∂u/∂v)``."""
    assert user.value is not None
    whole = local_jacobian(user.value, user, part)
    local, short = simplify(whole, facts=False).tensor, simplify(whole)
    laws = local_laws(user.value, part)
    if short.tensor is not local:
        local = short.tensor
        laws += tuple(reason for reason in short.reasons if reason.subjects)
    if above is None:
        return Source(user, None, local, local, laws)
    rows = tuple(range(len(vec_shape(of.shape))))
    middle = tuple(range(2, 2 + len(vec_shape(user.shape))))
    columns = tuple(range(1, 1 + len(vec_shape(part.shape))))
    free = rows + columns
    dims = dict(zip(free, _shape(of, part), strict=True))
    product = contract(1, [(above, rows + middle), (local, middle + columns)], free, dims)
    return Source(user, above, local, product, laws)


def _mixed(of: Variable, variable: Variable, other: Variable) -> Step:
    """A second derivative as the transpose of the one in the other order."""
    assert other.value is not None
    lines = (
        Line(transpose(other), (Reason("mixed"),)),
        Line(transpose(other.value), (Reason("inserted", (other,)),)),
    )
    return Step(variable, _named(of, variable, lines[-1].tensor), (), lines, True)


def _named(of: Variable, quantity: Variable, value: Tensor) -> Variable:
    """The Jacobian by its name."""
    name, row = f"∂{of.name}/∂{quantity.name}", not of.order and bool(value.order)
    return Variable(name, value.shape, frozenset(), value, "jacobian", row)


def _step(of: Variable, quantity: Variable, sources: Sequence[Source], sought: bool) -> Step:
    shape = _shape(of, quantity)
    sent = add((source.sent for source in sources), shape)
    values = {s.adjoint: s.adjoint.value for s in sources if s.adjoint is not None}
    lines = [Line(sent, ())]
    inserted = substitute(sent, values)
    if inserted.size > LONGEST:
        inserted = sent
    if inserted is not sent:
        lines.append(Line(inserted, (Reason("inserted"),)))
    plain = simplify(inserted, facts=False)
    short = simplify(inserted)
    for found in (plain, short):
        if found.tensor is not lines[-1].tensor:
            lines.append(Line(found.tensor, found.reasons))
    jacobian = _named(of, quantity, short.tensor)
    return Step(quantity, jacobian, tuple(sources), tuple(lines), sought)
