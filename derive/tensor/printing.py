"""Tensors printed in index notation: ``A[i,j] x[j]``, sums over repeated letters written out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import count
from typing import Final, TypeAlias

from derive.shapes import Dim, size_text
from derive.tensor.algebra import terms_of
from derive.tensor.incidence import in_order, is_incidence, offset_of, tied_letters
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Delta,
    Factor,
    Map,
    Sum,
    Tensor,
    Variable,
)
from derive.tensor.parts import children

__all__ = [
    "CALL_NAMES",
    "LETTERS",
    "UNICODE",
    "Axes",
    "IndexPrinter",
    "alphabet",
    "index_notation",
    "tied_axes",
    "tied_index",
]

LETTERS = "ijklpqrstuvwabcdefgh"
CALL_NAMES: Final = {"inverse": "inv", "amax": "max", "amin": "min"}
RELATIONS: Final = {"gt": ">", "lt": "<", "ge": ">=", "le": "<="}
HALF: Final = Fraction(1, 2)
PLAIN: Final = {
    "sum": "sum",
    "delta": "delta",
    "minus": "-",
    "any": "_",
    "root": "sqrt",
    "digits": "",
}
UNICODE: Final = {
    "sum": "Σ",
    "delta": "δ",
    "minus": "−",
    "any": "·",
    "root": "√",
    "digits": "⁰¹²³⁴⁵⁶⁷⁸⁹",
}


def _plain_name(variable: Variable) -> str:
    return variable.name


def index_notation(
    tensor: Tensor,
    letters: str | None = None,
    name: Callable[[Variable], str] = _plain_name,
    signs: Mapping[str, str] = PLAIN,
) -> str:
    """The tensor in index notation, ``sum_j A[i,j] x[j]``.

    Args:
        tensor: Of any order.
        letters: Letters of its axes; ``ijk...`` by default.
        name: How a variable is written.
        signs: How sums, deltas, minus signs, roots and exponents are written.
    """
    free = alphabet(tensor)
    axes = tuple(letters or free[: tensor.order])
    return IndexPrinter(name, signs, free).show(tensor, axes)


def alphabet(tensor: Tensor) -> str:
    """The letters that may stand for indices of a tensor: no size in it is called so."""
    taken = _sizes(tensor)
    return "".join(letter for letter in LETTERS if letter not in taken)


Axes: TypeAlias = tuple[str, ...]


def _sizes(tensor: Tensor) -> set[str]:
    """The names of sizes that are written beside letters."""
    found: set[str] = set()
    seen: set[Tensor] = set()
    stack = [tensor]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        stack.extend(children(node))
        if is_incidence(node):
            found.update(str(symbol) for dim in node.shape for symbol in dim.free_symbols)
    return found


class IndexPrinter:
    """Writes entries of tensors; what each kind of node looks like is a method of its own.

    Attributes:
        name: How a variable is written.
        signs: How sums, deltas, minus signs, roots and exponents are written.
        alphabet: Letters for indices, in the order in which they are taken.
        used: Letters that stand around what is being written.
    """

    def __init__(
        self,
        name: Callable[[Variable], str],
        signs: Mapping[str, str],
        alphabet: Sequence[str],
    ) -> None:
        self.name, self.signs, self.alphabet = name, signs, alphabet
        self.used: frozenset[str] = frozenset()

    def show(self, tensor: Tensor, axes: Axes, outer: int = 0) -> str:
        """The entry of a tensor at some letters.

        Args:
            tensor: The tensor.
            axes: A letter or a formula of letters for each of its axes.
            outer: 0 where it stands alone, 1 in a sum, 2 in a product.
        """
        if isinstance(tensor, Variable):
            return self.variable(tensor, axes)
        if isinstance(tensor, Constant):
            return self.constant(tensor)
        if isinstance(tensor, Delta):
            return self.delta(axes)
        if isinstance(tensor, Contraction):
            terms = terms_of(tensor)
            if len(terms) > 1 and tensor.coefficient == -1:
                return self._sum(terms, axes, outer)
            text = self._contraction(tensor, axes)
            return self.bracketed(text) if outer > 1 else text
        if isinstance(tensor, Sum):
            return self._sum(tensor.terms, axes, outer)
        if isinstance(tensor, Map):
            return self.map(tensor, axes)
        assert isinstance(tensor, Call)
        return self.incidence(tensor, axes) if is_incidence(tensor) else self.call(tensor, axes)

    def variable(self, variable: Variable, axes: Axes) -> str:
        """An entry of a named array."""
        return self.name(variable) + _brackets(axes)

    def constant(self, constant: Constant) -> str:
        """A number that is no fraction; a formula of sizes in brackets."""
        value = constant.value
        compound = value.free_symbols and not value.is_Atom
        return f"({size_text(value)})" if compound else str(value)

    def number(self, value: Fraction) -> str:
        """A positive rational number that stands alone."""
        return str(value)

    def delta(self, axes: Axes) -> str:
        """An entry of an identity matrix."""
        return f"{self.signs['delta']}{_brackets(axes)}"

    def map(self, tensor: Map, axes: Axes) -> str:
        """A function of entries."""
        inner = [self.show(arg, tuple(axes[x] for x in letters)) for arg, letters in tensor.args]
        if tensor.function in RELATIONS:
            return f"1[{inner[0]} {RELATIONS[tensor.function]} {inner[1]}]"
        return f"{tensor.function}({', '.join(inner)})"

    def call(self, tensor: Call, axes: Axes) -> str:
        """An entry of a function of whole arrays."""
        inner = ", ".join(map(self.whole, tensor.args))
        return f"{CALL_NAMES.get(tensor.function, tensor.function)}({inner}){_brackets(axes)}"

    def whole(self, tensor: Tensor) -> str:
        """A whole array among the arguments of a function."""
        if isinstance(tensor, Variable):
            return self.name(tensor)
        return self.show(tensor, (self.signs["any"],) * tensor.order)

    def incidence(self, tensor: Call, axes: Axes) -> str:
        """``1[i >= j]``, ``delta[j,i + o]`` and ``delta[k,i*n + j]``."""
        if tensor.function == "lower":
            return f"1[{axes[0]} >= {axes[1]}]"
        return self.delta(tied_axes(tensor, axes, self.index))

    def bracketed(self, text: str) -> str:
        """A formula in brackets."""
        return f"({text})"

    def assembled(
        self,
        ahead: Sequence[str],
        under: Sequence[str],
        summed: Sequence[str],
        above: Sequence[str],
        below: Sequence[str],
    ) -> str:
        """A product and the sum over letters in it.

        Args:
            ahead: The coefficient, and scalars before the sum.
            under: What divides before the sum.
            summed: The letters that are summed over.
            above: Factors behind the sum.
            below: What divides behind the sum.
        """
        front = list(ahead)
        if summed:
            front.append(f"{self.signs['sum']}_{''.join(summed)}")
        divisors = [*under, *below]
        over = (
            f"/({' '.join(divisors)})" if len(divisors) > 1 else "".join(f"/{x}" for x in divisors)
        )
        return " ".join((*front, *above)) + over

    def power(self, text: str, power: Fraction) -> str:
        """A base to a positive power."""
        if power == 1:
            return text
        if power == HALF:
            root = self.signs["root"]
            return f"{root}{text}" if text.endswith(")") or root != "sqrt" else f"{root}({text})"
        if power.denominator != 1:
            return f"{text}^({power})"
        digits = self.signs["digits"]
        raised = "".join(digits[int(digit)] for digit in str(power)) if digits else f"^{power}"
        return text + raised

    def index(self, array: Call, others: Axes) -> str:
        """The letter that an array of zeros and ones ties to others, as a formula of them."""
        return tied_index(array, others)

    def _sum(self, terms: Sequence[Contraction], axes: Axes, outer: int, sign: int = 1) -> str:
        """Terms, those with a minus sign last; ``sign`` -1 changes all signs."""
        text = ""
        for term in sorted(terms, key=lambda term: sign * term.coefficient < 0):
            piece = self._contraction(term, axes, sign)
            minus = self.signs["minus"]
            below = piece.startswith(minus)
            if text:
                text += f" {minus} {piece[len(minus) :]}" if below else f" + {piece}"
            else:
                text = piece
        return self.bracketed(text) if outer else text

    def _unused(self, taken: set[str]) -> str:
        """A letter that stands for nothing yet; with a number where all letters do."""
        letters = (
            self.numbered(letter, number) if number else letter
            for number in count()
            for letter in self.alphabet
        )
        return next(letter for letter in letters if letter not in taken)

    def numbered(self, letter: str, number: int) -> str:
        """A letter with a number."""
        return f"{letter}{number}"

    def _contraction(self, node: Contraction, axes: Axes, sign: int = 1) -> str:
        """Numbers and scalars, the sum over letters, factors, and below them what divides."""
        names = dict(enumerate(axes))
        before = self.used
        tied = tied_letters(node)
        summed = sorted(node.summed - tied.keys())
        for letter in summed:
            names[letter] = self._unused({*names.values(), *self.used})
        self.used = frozenset({*self.used, *names.values()})
        for letter in in_order(tied):
            array, along, _ = tied[letter]
            assert isinstance(array, Call)
            names[letter] = self.index(array, tuple(names[x] for x in along if x != letter))
        ahead: list[str] = []
        under: list[str] = []
        above: list[str] = []
        below: list[str] = []
        coefficient = sign * node.coefficient
        turned = coefficient < 0 and next(filter(_turns, node.factors), None)
        for factor in sorted(node.factors, key=_place):
            if factor in tied.values():
                continue
            tensor, letters, power = factor
            inner = tuple(names[x] for x in letters)
            if factor == turned and isinstance(tensor, Sum):
                text = self._sum(tensor.terms, inner, 2, -1)
            else:
                text = self.show(tensor, inner, 2)
            text = self.power(text, abs(power))
            outside = not letters and summed
            if power < 0:
                (below if letters else under).append(text)
            else:
                (ahead if outside else above).append(text)
        self.used = before
        minus = self.signs["minus"] if coefficient < 0 and not turned else ""
        size = abs(coefficient)
        if not node.factors:
            return minus + self.number(size)
        if size.denominator != 1:
            under.insert(0, str(size.denominator))
        if size.numerator != 1 or not (ahead or above):
            ahead.insert(0, str(size.numerator))
        if summed:
            above = above or ["1"]
        return minus + self.assembled(ahead, under, [names[x] for x in summed], above, below)


def _turns(factor: Factor) -> bool:
    """Whether a factor is a sum that reads better with its signs changed under a minus sign."""
    tensor, _, power = factor
    return isinstance(tensor, Sum) and power == 1 and any(t.coefficient < 0 for t in tensor.terms)


def _place(factor: Factor) -> tuple[bool, bool, tuple[int, ...]]:
    """Where a factor stands: scalars first, by name before formulas, then by letters."""
    tensor, letters, _ = factor
    named = bool(letters) or isinstance(tensor, Variable | Constant)
    return bool(letters), not named, letters


def tied_axes(array: Call, axes: Axes, index: Callable[[Call, Axes], str]) -> Axes:
    """A letter, and the formula of the others that an array ties it to."""
    if array.function == "pair":
        return (axes[0], index(array, axes[1:]))
    return (axes[-1], index(array, axes[:-1]))


def tied_index(
    array: Call, others: Axes, times: str = "*", size: Callable[[Dim], str] = size_text
) -> str:
    """The letter that an array of zeros and ones ties to others, as a formula of them.

    Args:
        array: The array.
        others: Letters or formulas of its other axes.
        times: The sign of a product.
        size: How a size is written.
    """
    if array.function == "pair":
        first, second = (f"({x})" if "+" in x else x for x in others)
        row = size(array.shape[2])
        return f"{first}{times}{f'({row})' if ' ' in row else row} + {second}"
    start = size(offset_of(array))
    return " + ".join(x for x in (*others, start) if x != "0") or "0"


def _brackets(axes: Axes) -> str:
    return f"[{','.join(axes)}]" if axes else ""
