"""What stands in front of a formula and below it: roots of numbers, and means.

``sqrt(2) u/2`` is ``u/√2``, ``sqrt(2)/sqrt(pi)`` is ``√(2/π)``, ``sum(x)/n`` is ``mean(x)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, TypeAlias

import sympy

from derive.notation.expression import Expr, call, diag, power, transposed
from derive.shapes import ONE, Dim, same

__all__ = ["Front", "tidied"]


@dataclass(frozen=True, slots=True)
class Front:
    """A formula in parts.

    Attributes:
        coefficient: A rational number.
        scalars: Factors with one entry.
        divisors: Scalars that divide.
        body: The factor with several entries, if there is one.
    """

    coefficient: Fraction
    scalars: tuple[Expr, ...]
    divisors: tuple[Expr, ...]
    body: Expr | None


Left: TypeAlias = tuple[Fraction, tuple[Expr, ...]]
"""A coefficient and divisors."""


def tidied(front: Front) -> Front:
    """The same formula with its means named and its roots gathered."""
    return _with_roots(_with_means(front))


def _with_means(front: Front) -> Front:
    """Sums divided by the number of what they add up, as means."""
    for place, scalar in enumerate(front.scalars):
        found = _averaged(scalar, front)
        if found is not None:
            form, left = found
            scalars = (*front.scalars[:place], form, *front.scalars[place + 1 :])
            return _with_means(Front(left[0], scalars, left[1], front.body))
    found = None if front.body is None else _averaged(front.body, front)
    if found is None:
        return front
    form, left = found
    return Front(left[0], front.scalars, left[1], form)


def _averaged(expr: Expr, front: Front) -> tuple[Expr, Left] | None:
    """The expression with a mean in place of a sum, and what is left in front and below."""
    if expr.op == "sum":
        (inner,) = expr.args
        left = _divided(front, (inner.rows, inner.cols))
        return None if left is None else (call("mean", [inner], ONE, ONE), left)
    if expr.op in ("rowsum", "colsum"):
        (inner,) = expr.args
        left = _divided(front, (inner.cols if expr.op == "rowsum" else inner.rows,))
        name = f"{expr.op[:3]}mean"
        return None if left is None else (call(name, [inner], expr.rows, expr.cols), left)
    if expr.op in ("transpose", "diag"):
        found = _averaged(expr.args[0], front)
        turned = transposed if expr.op == "transpose" else diag
        return None if found is None else (turned(found[0]), found[1])
    if expr.op == "product":
        for place, arg in enumerate(expr.args):
            found = _averaged(arg, front)
            if found is not None:
                args = (*expr.args[:place], found[0], *expr.args[place + 1 :])
                return Expr("product", args, expr.rows, expr.cols), found[1]
    return None


def _divided(front: Front, dims: tuple[Dim, ...]) -> Left | None:
    """Coefficient and divisors once sizes were taken from them; None where they are not there."""
    number = prod(int(dim) for dim in dims if dim.is_Integer)
    if front.coefficient.denominator % number or (number == 1 and all(d.is_Integer for d in dims)):
        return None
    divisors = list(front.divisors)
    for dim in dims:
        if not dim.is_Integer and not _take(divisors, dim):
            return None
    return front.coefficient * number, tuple(divisors)


def _take(divisors: list[Expr], dim: Dim) -> bool:
    """Take a size, or one power of it, from the divisors."""
    for place, divisor in enumerate(divisors):
        base = divisor.args[0] if divisor.op == "power" else divisor
        if base.op != "constant" or not same(base.value, dim):
            continue
        exponent = divisor.value if divisor.op == "power" else Fraction(1)
        if exponent >= 1:
            divisors[place : place + 1] = [power(base, exponent - 1)] if exponent > 1 else []
            return True
    return False


def _with_roots(front: Front) -> Front:
    """Roots of numbers and of pi as one, above or below."""
    value: Any = sympy.Rational(front.coefficient.numerator, front.coefficient.denominator)
    scalars, divisors, found = [], [], False
    for part in front.scalars:
        number = _number(part)
        scalars.extend([part] if number is None else [])
        value, found = (value, found) if number is None else (value * number, True)
    for part in front.divisors:
        number = _number(part)
        divisors.extend([part] if number is None else [])
        value, found = (value, found) if number is None else (value / number, True)
    square = sympy.simplify(value**2)
    powers = square.atoms(sympy.Pow)
    if not found or square.has(sympy.Add) or any(not p.exp.is_Integer for p in powers):
        return front
    (over, above), (under, below) = (_with_square_out(part) for part in sympy.fraction(square))
    if above != 1 and below != 1:
        above, below = above / below, sympy.S.One
    if above != 1:
        scalars.insert(0, _root(above))
    if below != 1:
        divisors.insert(0, _root(below))
    sign = -1 if value < 0 else 1
    return Front(
        sign * Fraction(int(over), int(under)), tuple(scalars), tuple(divisors), front.body
    )


def _number(expr: Expr) -> Any:
    """The value of an irrational number, None for anything else."""
    if expr.op == "constant" and not expr.value.free_symbols:
        return expr.value
    if expr.op == "power" and expr.args[0].op in ("constant", "number"):
        base = expr.args[0].value
        if expr.args[0].op == "number":
            base = sympy.Rational(base.numerator, base.denominator)
        if not base.free_symbols:
            return base ** sympy.Rational(expr.value.numerator, expr.value.denominator)
    return None


def _with_square_out(value: Any) -> tuple[int, Any]:
    """A positive number, a power of pi among it, as ``a^2 b`` with a whole number a."""
    number, rest = value.as_coeff_Mul()
    outside = prod(int(p) ** (k // 2) for p, k in sympy.factorint(number).items())
    return outside, number / outside**2 * rest


def _root(value: Any) -> Expr:
    root = sympy.sqrt(value)
    return Expr("constant", (), ONE, ONE, root)
