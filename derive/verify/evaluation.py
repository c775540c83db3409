"""The value of a SymPy expression at NumPy arrays.

The walker knows the nodes of SymPy and of the vocabulary by two tables and calls neither SymPy's
matrix code nor its ``lambdify``. Every matrix is an array with two axes, every scalar one with
none; batch axes may stand in front of both. Shared subexpressions are evaluated once, and the walk
keeps its own stack, so that depth is no limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final, Protocol

import numpy as np
import sympy

from derive.errors import InputError
from derive.verify.functions import Array, Evaluation
from derive.verify.linear_algebra import closeness
from derive.verify.nodes import Row, lift, row_of
from derive.vocabulary import Expression

__all__ = ["Errors", "Noise", "Walker", "Watch", "attentive", "evaluate", "names_in"]

SQUARE: Final = 1e-54
"""Beside a complex step, numbers below this may be its square."""

JUMPS: Final = frozenset({"sign", "heaviside", "lt", "le", "gt", "ge"})
"""Functions whose value at 0 is not that beside it."""

HIDDEN: Final = 1e-14
"""Nearer to a kink than this, relative to the largest value met, rounding chooses the side."""

SINGULAR: Final = 1e-8
"""A matrix whose reciprocal condition number is below this is singular to rounding."""


@dataclass
class Watch:
    """What an evaluation passes on its way.

    Attributes:
        kink: Smallest distance from a kink or jump.
        is_hidden: Whether rounding chose the side of a kink or jump.
        edge: Smallest distance from an edge of a domain.
        kinked: Functions with a kink that were met.
        broken: The first node whose value is not finite.
        sound: How many nodes were finite before it.
        singular_determinants: Whether a determinant may be taken of a singular matrix.
        singular: The first node that needs a regular matrix and has a singular one.
        closest: Smallest reciprocal condition number of a matrix that has to be regular.
        underflow: Whether something became 0, or lost digits, because it was too small.
        largest: Largest size of any value met, for each place of the batch; of the imaginary
            part alone when ``imaginary``, and then only it and an underflow are noticed.
    """

    imaginary: bool = False
    kink: float = np.inf
    is_hidden: bool = False
    edge: float = np.inf
    kinked: set[str] = field(default_factory=set)
    broken: Any = None
    sound: int = 0
    singular_determinants: bool = False
    singular: Any = None
    closest: float = np.inf
    underflow: bool = False
    largest: Any = 0.0
    _is_singular: bool = False

    def see_function(self, name: str, row: Evaluation, arguments: Sequence[Any]) -> None:
        """Note how near the arguments are to a kink or an edge."""
        if self.imaginary:
            return
        if row.kink is not None:
            self.kinked.add(name)
            distance = row.kink(*arguments)
            self.kink = float(np.fmin(self.kink, np.min(distance)))
            near = distance <= HIDDEN * np.max(self.largest)
            self.is_hidden = self.is_hidden or bool(np.any(near & (distance > 0)))
        if row.edge is not None:
            self.see_edge(row.edge(*arguments))
        if row.is_singular_outside or (name == "det" and not self.singular_determinants):
            self.see_matrix(arguments[0])

    def see_underflow(self, kind: str, flags: int) -> None:
        """Note an underflow; NumPy calls this."""
        self.underflow = True

    def see_matrix(self, matrix: Any) -> None:
        """Note how near a matrix that has to be regular is to a singular one."""
        if self.imaginary:
            return
        distance = closeness(matrix)
        self.see_edge(distance)
        self.closest = float(np.fmin(self.closest, np.min(distance)))
        self._is_singular = self._is_singular or bool(np.any(distance < SINGULAR))

    def see_edge(self, distance: Any) -> None:
        """Note a distance from the edge of a domain."""
        if self.imaginary:
            return
        self.edge = float(np.fmin(self.edge, np.min(distance)))

    def see_value(self, node: Any, value: Any, is_matrix: bool) -> None:
        """Note how large a value is, and whether it is finite; an array may have no entry."""
        if not np.size(value):
            return
        size = self.see_size(value, is_matrix)
        if self._is_singular and self.singular is None:
            self.singular = node
        if not self.imaginary and self.broken is None:
            if np.all(np.isfinite(size)):
                self.sound += 1
            else:
                self.broken = node

    def see_size(self, value: Any, is_matrix: bool = True) -> Any:
        """Note how large a value is; the sizes of its entries come back."""
        size = np.abs(value.imag if self.imaginary else value)
        found = np.asarray(np.max(size, axis=(-2, -1)) if is_matrix else size)
        # What indices take at once lies in front of the batch.
        self.largest = np.fmax(self.largest, found.max(axis=tuple(range(found.ndim - 1))))
        return size


COMPARISONS: Final = frozenset({"gt", "lt", "ge", "le"})

LAST_DIGITS: Final = 2.0**-49
"""What is left of a sum is rounding if it is no larger than this, relative to its terms."""


@dataclass(frozen=True)
class Noise:
    """Relative errors put on all values of an evaluation, in place of those of rounding.

    They are much larger, so that what they do to the result stands out: that, over ``SIZE``, is
    what rounding of the result is relative to. Entries of one array that are equal have equal
    errors, so that ties stay ties; comparisons are those of the values without errors.

    Attributes:
        rng: For the errors.
        exact: The values of names without errors, where the environment has some.
    """

    rng: np.random.Generator
    exact: Mapping[str, Any] | None = None

    SIZE: ClassVar[float] = 1e-6

    def blur(self, node: Any, value: Any, operands: Sequence[Any] = ()) -> Any:
        """The value of a node with an error in each entry; numbers and sizes have none.

        A sum that cancels but for its last digits is as far off as the largest of its terms.
        """
        is_exact = isinstance(node, sympy.Number) or getattr(node, "is_integer", False)
        if is_exact:
            return value
        blurred = self.blur_array(np.asarray(value))
        if isinstance(node, sympy.Add | sympy.MatAdd) and blurred.dtype.kind in "fc":
            blurred.real += self.SIZE * _left_over(np.real(value), map(np.real, operands))
            if blurred.dtype.kind == "c":
                blurred.imag += self.SIZE * _left_over(np.imag(value), map(np.imag, operands))
        return blurred

    def blur_array(self, value: Array) -> Array:
        """An array with an error in each entry; conditions have none."""
        if value.dtype.kind not in "fc":
            return value
        blurred = np.empty_like(value)
        blurred.real = self._blur_real(value.real)
        if value.dtype.kind == "c":
            blurred.imag = self._blur_real(value.imag)
        return blurred

    def _blur_real(self, value: Array) -> Array:
        digits, _ = np.frexp(np.where(np.isfinite(value), value, 0.0))
        spread, phase = self.rng.uniform(1e5, 1e6), self.rng.uniform(0, 2 * np.pi)
        return np.asarray(value * (1 + self.SIZE * np.cos(spread * digits + phase)))


def _left_over(total: Array, terms: Iterable[Array]) -> Array:
    """The size of what a sum is made of where nothing but roundings is left of it, elsewhere 0."""
    size = np.asarray(sum(map(np.abs, terms)), dtype=float)
    hidden = (total != 0) & (np.abs(total) <= LAST_DIGITS * size)
    return np.where(hidden & np.isfinite(size), size, 0.0)


class Errors(Protocol):
    """What is put on the values of an evaluation: :class:`Noise`, or steps off zeros."""

    def blur(self, node: Any, value: Any, operands: Sequence[Any] = ()) -> Any:
        """The value of a node with it."""

    def blur_array(self, value: Array) -> Array:
        """An array on the way to the value of a node, with it."""


def evaluate(
    expression: Expression,
    environment: Mapping[str, Any],
    watch: Watch | None = None,
    noise: Errors | None = None,
) -> Array:
    """The value of an expression.

    Args:
        expression: SymPy's, over the names in ``environment``.
        environment: A 2-D array for every matrix or vector, a number for every scalar and size.
        watch: What to notice on the way.
        noise: What to put on all values.

    Returns:
        A 2-D array for a matrix expression, a 0-D array for a scalar one. Outside a domain it
        holds NaN.

    Raises:
        InputError: A name has no value, or an array that does not fit; matrices that are added
            or multiplied entry by entry have different shapes.
        UnsupportedError: There is no row for a node.

    >>> x = sympy.MatrixSymbol("x", 2, 1)
    >>> float(evaluate(sympy.Trace(x.T * x), {"x": np.array([[3.0], [4.0]])}))
    25.0
    """
    with attentive(watch):
        return np.asarray(Walker(environment, watch, noise=noise).run(expression))


def attentive(watch: Watch | None) -> np.errstate:
    """A context in which floating-point errors are silent, and a watch sees underflow."""
    if watch is None:
        return np.errstate(all="ignore")
    return np.errstate(
        over="ignore", invalid="ignore", divide="ignore", under="call", call=watch.see_underflow
    )


def names_in(expression: Expression) -> frozenset[str]:
    """Names of all free symbols in an expression, sizes included."""
    names: set[str] = set()
    bound: set[str] = set()
    seen: set[int] = set()
    stack: list[Any] = [expression]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, sympy.Symbol | sympy.MatrixSymbol):
            names.add(node.name)
        elif isinstance(node, sympy.Lambda | sympy.Sum):
            bound.update(symbol.name for symbol in node.bound_symbols)
        stack.extend(node.args)
    return frozenset(names - bound)


def _without_squares(value: Any) -> Any:
    """A value in which what the square of a complex step moved off 0 is 0 again."""
    if not np.iscomplexobj(value):
        return value
    return np.where(np.abs(value.real) <= SQUARE, 1j * value.imag, value)


class Walker:
    """Evaluates expressions in one environment; values met twice are kept.

    Args:
        environment: As for :func:`evaluate`.
        watch: What to notice on the way.
        noise: What to put on all values.
        outer: The walker of the scope around this one, if ``bound`` is given.
        bound: Values of bound symbols (the variable of a lambda, the index of a sum).
        lifted: Whether bound values are matrices, entry by entry.
        count: How many values the bound symbols take at once, along a batch axis of their own.

    Attributes:
        depth: How many batch axes there may be.
        breadth: How many values the bound symbols of all scopes take at once.
    """

    def __init__(
        self,
        environment: Mapping[str, Any],
        watch: Watch | None = None,
        *,
        noise: Errors | None = None,
        outer: Walker | None = None,
        bound: Mapping[sympy.Symbol, Any] | None = None,
        lifted: bool = False,
        count: int = 1,
    ) -> None:
        self.environment = environment
        self.watch = watch
        self.noise = noise
        self.outer = outer
        self.bound = bound or {}
        self.lifted = lifted
        self.count = count
        self.depth: int = 1 if outer is None else outer.depth + (count > 1)
        self.breadth: int = count if outer is None else outer.breadth * count
        self._known: dict[int, tuple[Any, Any]] = {}

    def run(self, expression: Any) -> Any:
        """The value of an expression; operands are evaluated before what is made of them."""
        known = self._known
        stack = [expression]
        while stack:
            node = stack[-1]
            if id(node) in known:
                stack.pop()
                continue
            if (free := self._from_outside(node)) is not None:
                known[id(node)] = (node, free)
                continue
            row = row_of(node)
            if self.noise is not None and getattr(node, "name", "") in COMPARISONS:
                known[id(node)] = (node, self._exact.run(node))
                continue
            operands = row.operands(node)
            missing = [operand for operand in operands if id(operand) not in known]
            if missing:
                stack.extend(missing)
                continue
            value = self._valued(row, node, [known[id(operand)][1] for operand in operands])
            if self.watch is not None and operands:
                self.watch.see_value(node, value, isinstance(node, sympy.MatrixExpr) or self.lifted)
            if self.noise is not None:
                value = self.noise.blur(
                    node, value, [known[id(operand)][1] for operand in operands]
                )
            known[id(node)] = (node, value)
        return known[id(expression)][1]

    @cached_property
    def _exact(self) -> Walker:
        """A walker of this scope without errors."""
        exact = self.noise.exact if isinstance(self.noise, Noise) else None
        return Walker(
            self.environment if exact is None else exact,
            outer=None if self.outer is None else self.outer._exact,
            bound=self.bound,
            lifted=self.lifted,
            count=self.count,
        )

    def _valued(self, row: Row, node: Any, operands: Sequence[Any]) -> Any:
        """The value of one node.

        Raises:
            InputError: At these sizes an operand has no entries, and the value hangs on some.
        """
        try:
            return row.value(self, node, *operands)
        except (IndexError, ValueError, np.linalg.LinAlgError):
            if all(np.size(operand) for operand in operands):
                raise
            raise InputError(f"at these sizes, there is nothing in what {node} is of") from None

    def size(self, dim: sympy.Expr) -> int:
        """The number that a dimension or an index stands for."""
        return round(float(np.real(self.run(dim))))

    def call(self, name: str, row: Evaluation, arguments: Sequence[Any]) -> Any:
        """The value of one function, seen by the watch."""
        if self.watch is not None:
            self.watch.see_function(name, row, arguments)
        if name in JUMPS:
            arguments = [_without_squares(argument) for argument in arguments]
        if row.is_composed:
            return row.value(*arguments, blur=self._pass)
        return row.value(*arguments)

    def _pass(self, array: Array) -> Array:
        """An array on the way to the value of a function."""
        if self.noise is not None:
            array = self.noise.blur_array(array)
        if self.watch is not None and np.size(array):
            self.watch.see_size(array)
        return array

    def scope(
        self, bound: Mapping[sympy.Symbol, Any], lifted: bool = False, count: int = 1
    ) -> Walker:
        """A walker for the inside of a lambda or a sum."""
        return Walker(
            self.environment,
            self.watch,
            noise=self.noise,
            outer=self,
            bound=bound,
            lifted=lifted,
            count=count,
        )

    def _from_outside(self, node: Any) -> Any:
        """The value of what holds no bound symbol; None for the rest."""
        if self.outer is None:
            return None
        if node in self.bound:
            return self.bound[node]
        if isinstance(node, sympy.Basic) and node.has(*self.bound):
            return None
        value = self.outer.run(node)
        if self.lifted and not isinstance(node, sympy.MatrixExpr):
            return lift(value)
        return value
