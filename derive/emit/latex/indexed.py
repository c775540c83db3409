"""Index notation as LaTeX: ``\\sum_j A_{ij} x_j``, entries of functions, indicators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from derive.emit.latex.names import LatexStyle, is_plain_name, latex_dim, latex_name
from derive.emit.latex.signs import (
    ENCLOSED,
    RELATIONS,
    applied,
    between,
    bracketed,
    constant_sign,
    function_sign,
    is_tall,
    number_sign,
    ones_sign,
    script,
)
from derive.tensor.nodes import Call, Constant, Map, Tensor, Variable
from derive.tensor.printing import Axes, IndexPrinter, tied_axes, tied_index

__all__ = ["Entries"]

SIGNS: Final = {"minus": "-", "any": r"\cdot"}
HALF: Final = Fraction(1, 2)


class Entries(IndexPrinter):
    """Writes entries of tensors as LaTeX.

    Attributes:
        style: How names are set; entries are scalars, so their names are not bold.
        matrix: How a whole array is written that an entry is taken of, as in matrix notation;
            None where it has no form there.
        held: What stands in brackets, by the whole.
        loose: What needs brackets where it is raised to a power.
    """

    def __init__(
        self, style: LatexStyle, alphabet: Sequence[str], matrix: Callable[[Tensor], str | None]
    ) -> None:
        super().__init__(lambda variable: latex_name(variable, style), SIGNS, alphabet)
        self.style, self.matrix = style, matrix
        self.held: dict[str, str] = {}
        self.loose: set[str] = set()

    def variable(self, variable: Variable, axes: Axes) -> str:
        """``A_{ij}``, and ``(W_1)_{ij}`` where the name has a subscript."""
        if not axes:
            written = self.name(variable)
            return self._loosely(written) if "^" in written else written
        written = latex_name(variable, replace(self.style, bold=False))
        own = variable.name.removesuffix("_bar") if variable.role == "adjoint" else variable.name
        simple = variable.role != "jacobian" and is_plain_name(own, self.style)
        return (written if simple else bracketed(written)) + subscript(axes)

    def constant(self, constant: Constant) -> str:
        """A number that is no fraction; a sum in brackets."""
        written = constant_sign(constant.value)
        if constant.value.is_Add:
            return bracketed(written)
        return written if constant.value.is_Atom else self._loosely(written)

    def _loosely(self, written: str) -> str:
        self.loose.add(written)
        return written

    def numbered(self, letter: str, number: int) -> str:
        """``i_1``."""
        return f"{letter}_{number}"

    def delta(self, axes: Axes) -> str:
        """``\\delta_{ij}``."""
        return rf"\delta{subscript(axes)}"

    def map(self, tensor: Map, axes: Axes) -> str:
        """A function of entries."""
        name = tensor.function
        places = [(arg, tuple(axes[x] for x in letters)) for arg, letters in tensor.args]
        if name == "power":
            (base, at), (exponent, its) = places
            raised = f"{self._tight(self.show(base, at, 2))}^{{{self.show(exponent, its)}}}"
            return self._loosely(raised)
        if name == "where":
            return self._where(places)
        inner = [self.show(arg, at) for arg, at in places]
        if name in RELATIONS:
            relation = f"{inner[0]} {RELATIONS[name][0]} {inner[1]}"
            return ones_sign(self.style.bold) + bracketed(relation, "[", "]")
        if name == "sqrt":
            return rf"\sqrt{{{inner[0]}}}"
        if name == "log1p":
            return applied(r"\log", f"1 + {inner[0]}")
        if name in ENCLOSED:
            left, right = ENCLOSED[name]
            return between(left, inner[0], right)
        return applied(function_sign(name, self.style.spelled), ", ".join(inner))

    def _where(self, places: Sequence[tuple[Tensor, Axes]]) -> str:
        (condition, along), *values = places
        first, second = (self.show(arg, at) for arg, at in values)
        if isinstance(condition, Map) and condition.function in RELATIONS:
            left, right = (
                self.show(arg, tuple(along[x] for x in letters)) for arg, letters in condition.args
            )
            holds, fails = (f"{left} {sign} {right}" for sign in RELATIONS[condition.function])
        else:
            inner = self.show(condition, along)
            holds, fails = rf"{inner} \ne 0", f"{inner} = 0"
        rows = rf"{first} & {holds} \\ {second} & {fails}"
        return self.bracketed(rf"\begin{{cases}} {rows} \end{{cases}}")

    def call(self, tensor: Call, axes: Axes) -> str:
        """``\\operatorname{softmax}(\\bm{z})_i``, ``(\\bm{X}^{-1})_{ij}``."""
        written = self.matrix(tensor)
        if written is None:
            written = applied(
                function_sign(tensor.function, self.style.spelled),
                ", ".join(map(self.whole, tensor.args)),
            )
        return written + subscript(axes) if axes else self._loosely(written)

    def _tight(self, written: str) -> str:
        """A base of a power."""
        return bracketed(written) if written in self.loose else written

    def whole(self, tensor: Tensor) -> str:
        """A whole array among the arguments of a function."""
        written = self.matrix(tensor)
        return super().whole(tensor) if written is None else written

    def incidence(self, tensor: Call, axes: Axes) -> str:
        """``\\mathbf{1}[i \\ge j]`` and deltas of formulas of letters."""
        if tensor.function == "lower":
            return rf"{ones_sign(self.style.bold)}[{axes[0]} \ge {axes[1]}]"
        return self.delta(tied_axes(tensor, axes, self.index))

    def index(self, array: Call, others: Axes) -> str:
        """A formula of letters."""
        return tied_index(array, others, r" \cdot ", latex_dim)

    def bracketed(self, text: str) -> str:
        """A formula in brackets; which ones they were is known where a root needs none."""
        written = bracketed(text)
        self.held[written] = text
        return written

    def power(self, text: str, power: Fraction) -> str:
        """A base to a positive power."""
        if power == 1:
            return text
        if power == HALF:
            return rf"\sqrt{{{self.held.get(text, text)}}}"
        return f"{self._tight(text)}^{script(str(power))}"

    def number(self, value: Fraction) -> str:
        """A number that stands alone."""
        return number_sign(value)

    def assembled(
        self,
        ahead: Sequence[str],
        under: Sequence[str],
        summed: Sequence[str],
        above: Sequence[str],
        below: Sequence[str],
    ) -> str:
        """A coefficient, the sum over letters, and a fraction behind it."""
        if not summed and not any(map(is_tall, above)):
            return self._over([*ahead, *above], [*under, *below])
        factors, divisors = list(above), list(below)
        ahead, under = list(ahead), list(under)
        if not summed:
            short = next(n for n, factor in enumerate(factors) if is_tall(factor))
            ahead, factors = [*ahead, *factors[:short]], factors[short:]
            under, divisors = [*under, *divisors], []
        front = [self._over(ahead, under)] if ahead or under else []
        sign = [rf"\sum_{script(''.join(summed))}"] if summed else []
        last = self.held.get(factors[-1], "")
        if not divisors and _is_one_term(last):
            factors[-1] = last
        return " ".join([*front, *sign, self._over(factors, divisors)])

    def _over(self, above: Sequence[str], below: Sequence[str]) -> str:
        """Factors above those that divide; one in brackets alone needs none there."""
        if not below:
            return " ".join(above)
        lines = [
            self.held.get(parts[0], parts[0]) if len(parts) == 1 else " ".join(parts)
            for parts in (above or ["1"], below)
        ]
        return rf"\frac{{{lines[0]}}}{{{lines[1]}}}"


def _is_one_term(source: str) -> bool:
    """Whether a formula is a product with nothing added to it."""
    depth = 0
    for sign in source:
        depth += (sign in "{([") - (sign in "})]")
        if sign in "+-" and not depth:
            return False
    return bool(source)


def subscript(axes: Axes) -> str:
    """Letters of an entry; commas where one of them is a formula."""
    if not axes:
        return ""
    if len(axes) == 1 and len(axes[0]) == 1:
        return f"_{axes[0]}"
    plain = all(len(axis) == 1 or axis == SIGNS["any"] for axis in axes)
    between = " " if SIGNS["any"] in axes else ""
    return f"_{{{(between if plain else ', ').join(axes)}}}"
