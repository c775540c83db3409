"""Numbers as Python text: literals, quotients, roots, sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import sympy

__all__ = [
    "ADD",
    "ATOM",
    "CHOICE",
    "COMPARE",
    "MULTIPLY",
    "POWER",
    "UNARY",
    "Numbers",
    "Written",
    "bracketed",
    "is_decimal",
    "number_text",
]

CHOICE: Final = 0
COMPARE: Final = 1
ADD: Final = 2
MULTIPLY: Final = 3
UNARY: Final = 4
POWER: Final = 5
ATOM: Final = 6


Written = tuple[str, int]
"""A text, and how tightly what stands in it binds."""

MOST_DECIMALS: Final = 6
"""A fraction with at most so many decimals is written with them."""

LARGEST_RATIO: Final = 10**6
"""Above it, a fraction is written as the nearest floating-point number."""


def number_text(value: Fraction) -> str:
    """A number that is not negative, as a floating-point literal or a quotient of two."""
    if is_decimal(value):
        return repr(float(value))
    return f"{float(value.numerator)!r} / {float(value.denominator)!r}"


def is_decimal(value: Fraction) -> bool:
    """Whether a fraction is written as one literal."""
    whole = 10**MOST_DECIMALS % value.denominator == 0
    return whole or value.denominator > LARGEST_RATIO


def bracketed(written: str, level: int) -> str:
    """A factor of a product; ``@`` binds no tighter than ``*``, so it is bracketed."""
    return written if level >= POWER else f"({written})"


class Numbers:
    """Writes numbers and sizes.

    Args:
        sizes: Identifiers of dimensions.
        modules: What NumPy and ``math`` are called in the module.
    """

    def __init__(self, sizes: Mapping[str, str], modules: tuple[str, str]) -> None:
        self.sizes = sizes
        self.numpy, self.math = modules
        self.uses_math = False
        self.size_used: dict[str, None] = {}

    def scalar(self, value: Any) -> Written:
        """A SymPy number or size expression."""
        if isinstance(value, sympy.Symbol):
            self.size_used[value.name] = None
            return self.sizes[value.name], ATOM
        if value.is_Integer and not value.is_negative:
            return str(int(value)), ATOM
        if value.is_number:
            written, level = self._irrational(abs(value))
            return (written, level) if value > 0 else (f"-{bracketed(written, level)}", UNARY)
        if value.is_Add:
            return self._sum_of_sizes(value), ADD
        if value.is_Pow:
            base, level = self.scalar(value.args[0])
            return f"{base if level == ATOM else f'({base})'}**{value.args[1]}", POWER
        parts = [self.scalar(part) for part in value.args]
        return " * ".join(f"({t})" if lv < MULTIPLY else t for t, lv in parts), MULTIPLY

    def _sum_of_sizes(self, value: Any) -> str:
        text = ""
        for part in sorted(value.args, key=lambda part: part.could_extract_minus_sign()):
            negative = part.could_extract_minus_sign()
            written = self.scalar(-part if negative else part)[0]
            sign = "-" if negative else "+"
            text += f" {sign} {written}" if text else f"{'-' * negative}{written}"
        return text

    def _irrational(self, value: Any) -> Written:
        """A positive number: a rational multiple of pi or e, the root of one, or its digits."""
        for constant, name in ((sympy.pi, "pi"), (sympy.E, "e")):
            ratio = value / constant
            if ratio.is_Rational:
                return self._scaled(ratio, f"{self.numpy}.{name}")
        below = value * sympy.pi
        if below.is_Rational:
            return (
                f"{number_text(Fraction(int(below.p), int(below.q)))} / {self.numpy}.pi",
                MULTIPLY,
            )
        square = sympy.expand(value**2)
        exponent = square.as_powers_dict().get(sympy.pi, 0)
        ratio = square / sympy.pi**exponent
        if ratio.is_Rational and exponent in (-1, 0, 1):
            inner = number_text(Fraction(int(ratio.p), int(ratio.q)))
            if exponent:
                pi = f"{self.numpy}.pi"
                inner = f"{inner} / {pi}" if exponent < 0 else self._scaled(ratio, pi)[0]
            self.uses_math = True
            return f"{self.math}.sqrt({inner})", ATOM
        if isinstance(value, sympy.log) and value.args[0].is_Rational:
            self.uses_math = True
            argument = Fraction(int(value.args[0].p), int(value.args[0].q))
            return f"{self.math}.log({number_text(argument)})", ATOM
        return repr(float(value)), ATOM

    def _scaled(self, ratio: Any, name: str) -> Written:
        ratio = Fraction(int(ratio.p), int(ratio.q))
        return (name, ATOM) if ratio == 1 else (f"{number_text(ratio)} * {name}", MULTIPLY)

    def dim(self, dim: Any) -> str:
        """A dimension as a number."""
        return self.scalar(dim)[0]

    def shape(self, shape: Sequence[Any]) -> str:
        """A shape as an argument."""
        dims = [self.dim(dim) for dim in shape]
        return dims[0] if len(dims) == 1 else f"({', '.join(dims)})"
