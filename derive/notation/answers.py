"""The answers of a derivation as closed forms, written in the same names.

A name that one answer of a sweep keeps, or that the meaning of a kept name keeps, is kept by all of
them, so that nothing is written out in one line and named in the next. What a kept name stands for
is said once, beneath the answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from derive.calculus.derivation import Derivation, Result, Sweep
from derive.calculus.layout import Layout, in_layout
from derive.notation.examples import over_examples
from derive.notation.expression import Expr, call, negative, oriented, total
from derive.notation.opening import NAMED, NOTHING, Kept, Opened, occurrences, opened, standing_for
from derive.notation.raising import raised
from derive.shapes import Dim
from derive.tensor.algebra import contract, scale
from derive.tensor.nodes import Delta, Tensor, Variable
from derive.tensor.simplification import simplify
from derive.tensor.substitution import variables_of

__all__ = [
    "block_form",
    "closed_form",
    "closed_tensor",
    "explained",
    "explained_together",
    "explanation",
    "explanation_tensor",
    "independent_form",
]

READABLE: Final = 14
"""At most this many symbols are written in a closed form; longer parts keep their names."""

SHORT: Final = 7
"""What an adjoint stands for may be written out in any number of lines if it is no longer."""

AGAIN: Final = 9
"""At most this many symbols of what is longer are written out again, in further lines."""

BESIDE: Final = 20
"""At most this many symbols are written in the form for the independent entries."""


class _Answers:
    """The answers of one sweep, and the names that they keep."""

    kept: Kept = NOTHING

    def __init__(self, sweep: Sweep) -> None:
        self.own = {step.quantity.name: step.adjoint for step in sweep.steps}
        self.kept = self._with_named(sweep, NOTHING)
        fewer = self._with_named(sweep, self.kept - self._written_once(sweep))
        self.kept = fewer if len(fewer) < len(self.kept) else self.kept

    def _with_named(self, sweep: Sweep, kept: Kept) -> Kept:
        """The names to keep, these among them, so that all lines agree."""
        before, self.kept = self.kept, kept
        found = self._named(sweep)
        while not found <= self.kept:
            self.kept |= found
            found = self._named(sweep)
        kept, self.kept = self.kept, before
        return kept

    def _lines(self, sweep: Sweep) -> list[tuple[Tensor, Tensor]]:
        """The answers and the meanings of the names in them, before and after opening."""
        left = self.names(sweep.results)
        lines = [(result.gradient, self.opened(result)[0]) for result in sweep.results]
        return lines + [(v.value, self.meaning(v)[0]) for v in left if v.value is not None]

    def _named(self, sweep: Sweep) -> Kept:
        """The names that are left in a line, and those that would be written out in several."""
        lines = self._lines(sweep)
        left = {v for _, line in lines for v in variables_of(line) if v.role in NAMED}
        times = Counter(name for line in lines for name in _written_out(*line))
        return frozenset(left | {name for name, lines in times.items() if self._long(name, lines)})

    def _long(self, name: Variable, lines: int) -> bool:
        """Whether what a name stands for is too long to be written out in so many lines."""
        assert name.value is not None
        size = self.meaning(name)[0].size if name.value.size > 1 and lines > 1 else 0
        return size > SHORT and (lines - 1) * size > AGAIN

    def _written_once(self, sweep: Sweep) -> Kept:
        """The adjoints that a single place in a single line needs."""
        lines = [line for _, line in self._lines(sweep)]
        times = sum(map(occurrences, lines), Counter())
        return frozenset(v for v in self.kept if v.role == "adjoint" and times[v] == 1)

    def meaning(self, variable: Variable) -> Opened:
        """What a name stands for."""
        assert variable.value is not None
        return opened(variable.value, READABLE, self.kept)

    def opened(self, result: Result) -> Opened:
        """An answer, by the name of its adjoint where that is kept."""
        adjoint = self.own.get(result.wrt)
        if adjoint is not None and adjoint in self.kept and adjoint.value is result.gradient:
            return adjoint, raised(adjoint)
        return opened(result.gradient, READABLE, self.kept)

    def names(self, results: Sequence[Result]) -> tuple[Variable, ...]:
        """The names in answers, and in what they stand for."""
        return standing_for([self.opened(x)[0] for x in results], READABLE, self.kept)


def _written_out(start: Tensor, final: Tensor) -> set[Variable]:
    """The adjoints between a formula and what it was opened to."""
    left = set(variables_of(final))
    found: set[Variable] = set()
    stack = [start]
    while stack:
        for name in variables_of(stack.pop()):
            if name.role == "adjoint" and name not in left and name not in found:
                found.add(name)
                stack.extend([] if name.value is None else [name.value])
    return found


Answer: TypeAlias = tuple[Result, _Answers]
"""A result in some layout, and the answers of its sweep."""

_known: WeakKeyDictionary[Derivation, dict[Layout, dict[Result, Answer]]] = WeakKeyDictionary()


def _answers(derivation: Derivation, layout: Layout) -> dict[Result, Answer]:
    """The answers in a layout, by the results as they were derived."""
    known = _known.setdefault(derivation, {})
    if layout not in known:
        found = known[layout] = {}
        for sweep in derivation.sweeps:
            turned = in_layout(sweep, layout)
            answers = _Answers(turned)
            both = zip(sweep.results, turned.results, strict=True)
            found.update((result, (read, answers)) for result, read in both)
    return known[layout]


def _meaning(variable: Variable, derivation: Derivation, layout: Layout) -> Opened:
    """What a name stands for in the first sweep that keeps it."""
    found = (answers for _, answers in _answers(derivation, layout).values())
    return next(answers for answers in found if variable in answers.kept).meaning(variable)


def closed_form(result: Result, derivation: Derivation, layout: Layout = "numerator") -> Expr:
    """An answer in matrix notation: a gradient shaped like its variable, a Jacobian in a layout.

    Raises:
        InputError: There is no such layout.
    """
    found, answers = _answers(derivation, layout)[result]
    tensor, form = answers.opened(found)
    if result.kind == "grad":
        return oriented(form, derivation.names[result.wrt].row)
    return oriented(over_examples(tensor, form), found.row)


def closed_tensor(result: Result, derivation: Derivation, layout: Layout = "numerator") -> Tensor:
    """An answer written out in the problem's quantities as far as that stays readable."""
    found, answers = _answers(derivation, layout)[result]
    return answers.opened(found)[0]


def explained(
    result: Result, derivation: Derivation, layout: Layout = "numerator"
) -> tuple[Variable, ...]:
    """The names in a closed form that need a word: "with u = X w + b"; what others use first."""
    return explained_together((result,), derivation, layout)


def explained_together(
    results: Sequence[Result], derivation: Derivation, layout: Layout = "numerator"
) -> tuple[Variable, ...]:
    """The names in closed forms that need a word, each once."""
    sweeps: dict[_Answers, list[Result]] = {}
    for result in results:
        read, answers = _answers(derivation, layout)[result]
        sweeps.setdefault(answers, []).append(read)
    names = [name for answers, reads in sweeps.items() for name in answers.names(reads)]
    found: dict[Variable, None] = {}
    stack = [(name, False) for name in reversed(names)]
    while stack:
        name, left = stack.pop()
        if left:
            found[name] = None
        elif name not in found:
            stack.append((name, True))
            parts = variables_of(_meaning(name, derivation, layout)[0])
            stack.extend((p, False) for p in reversed(parts) if p.role in NAMED and p not in found)
    return tuple(found)


def explanation(variable: Variable, derivation: Derivation, layout: Layout = "numerator") -> Expr:
    """What a name in a closed form stands for."""
    return oriented(_meaning(variable, derivation, layout)[1], variable.row)


def explanation_tensor(
    variable: Variable, derivation: Derivation, layout: Layout = "numerator"
) -> Tensor:
    """What a name in a closed form stands for, as a tensor."""
    return _meaning(variable, derivation, layout)[0]


def block_form(
    of: str, wrt: Sequence[str], derivation: Derivation, layout: Layout = "numerator"
) -> Expr:
    """A Hessian by several variables as one matrix: a ``vcat`` with one ``hcat`` a row of blocks.

    Rows and columns follow the order of the variables; a matrix counts by its vec. The names in it
    are those of its blocks.

    Args:
        of, wrt: The scalar and the variables of a request, ``hessian J wrt (w, b)``.
        derivation: What answers it.
        layout: Of the blocks; the whole is symmetric, and so the same in both.
    """
    blocks = {
        (result.by, result.wrt): closed_form(result, derivation, layout)
        for result in derivation.results
        if result.kind == "hessian" and result.of == of
    }
    lines = []
    for name in wrt:
        row = [blocks[(name, x) if layout == "numerator" else (x, name)] for x in wrt]
        lines.append(_joined("hcat", row, row[0].rows, _added(part.cols for part in row)))
    return _joined("vcat", lines, _added(line.rows for line in lines), lines[0].cols)


def _joined(function: str, parts: Sequence[Expr], rows: Dim, cols: Dim) -> Expr:
    return call(function, parts, rows, cols) if len(parts) > 1 else parts[0]


def _added(dims: Iterable[Dim]) -> Dim:
    return reduce(add, dims)


def independent_form(result: Result, derivation: Derivation) -> Expr | None:
    """The gradient G with respect to a symmetric matrix, by its independent entries.

    An off-diagonal entry stands in two places, so its derivative is the sum of both:
    ``2 G − diag(diagonal(G))``, [PP12] (141).

    Returns:
        The form with G written out; None where that is too long to be read.
    """
    gradient = closed_tensor(result, derivation)
    axes = (0, 1)
    diagonal = contract(1, [(gradient, axes), (Delta(gradient.shape[0]), axes)], axes)
    parts = [raised(simplify(tensor).tensor) for tensor in (scale(2, gradient), diagonal)]
    form = total([parts[0], negative(parts[1])])
    return form if form.size <= BESIDE and not form.has_index else None
