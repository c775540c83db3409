"""The entrywise part of a tensor as a scalar formula, and back.

Factors that carry the same letters commute and multiply as numbers, so an entrywise expression is
a scalar formula in its atoms: variables, maps, named functions, sums over letters. SymPy's scalar
algebra works on that formula; the forms it finds are cached by the formula alone, with the atoms
renamed in order, so that the layers of a network share them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from math import comb, prod
from typing import Any, Final, TypeAlias

import sympy

from derive.errors import UnsupportedError
from derive.shapes import Shape
from derive.tensor.algebra import add, apply, contract, number, relabel
from derive.tensor.nodes import Constant, Contraction, Letters, Map, Sum, Tensor

__all__ = [
    "Atoms",
    "Form",
    "as_product",
    "from_scalar",
    "least_size",
    "repeated_sums",
    "scalar_forms",
    "to_scalar",
]

Atoms: TypeAlias = dict[tuple[Tensor, Letters], sympy.Symbol]

ROUGHEST: Final = 12
"""A number with a larger denominator than this, such as 0.01, is an atom: no algebra clears it."""


MOST_MONOMIALS: Final = 100
"""A formula with more terms than this, multiplied out over one denominator, is left alone."""


@cache
def _atom(position: int, sign: str = "real") -> sympy.Symbol:
    return sympy.Symbol(f"t{position}", **{"real": True, sign: True})


def _sign(tensor: Tensor) -> str:
    """What the formula of an atom says of its sign, as an assumption of SymPy's."""
    if isinstance(tensor, Constant) and tensor.value.is_positive:
        return "positive"
    if isinstance(tensor, Map) and tensor.function in POSITIVE:
        return "positive"
    if isinstance(tensor, Contraction) and tensor.coefficient >= 0:
        even = all(power % 2 == 0 for _, _, power in tensor.factors)
        return "nonnegative" if even else "real"
    return "real"


POSITIVE: Final = frozenset({"exp", "sigmoid", "softplus", "cosh"})


def to_scalar(
    tensor: Tensor,
    letters: Letters,
    atoms: Atoms,
    counts: dict[Any, int],
    whole: Collection[Tensor] = (),
) -> Any:
    """The scalar formula of an entry.

    Args:
        tensor: The formula as a tensor.
        letters: The axes along which it lies.
        atoms: New atoms are entered in it.
        counts: Uses of each atom are counted in it.
        whole: Sums that are atoms.
    """
    if isinstance(tensor, Contraction) and not tensor.summed:
        product = _coefficient(tensor.coefficient, atoms)
        for factor, along, power in tensor.factors:
            inner = to_scalar(factor, tuple(letters[x] for x in along), atoms, counts, whole)
            product *= inner ** _rational(power)
        return product
    if isinstance(tensor, Sum) and tensor not in whole:
        return sympy.Add(*(to_scalar(t, letters, atoms, counts, whole) for t in tensor.terms))
    symbol = atoms.setdefault((tensor, letters), _atom(len(atoms), _sign(tensor)))
    counts[symbol] = counts.get(symbol, 0) + 1
    return symbol


def repeated_sums(tensor: Tensor) -> set[Tensor]:
    """The sums that stand in several places of an entrywise formula."""
    counts: Counter[Tensor] = Counter()
    stack = [tensor]
    while stack:
        node = stack.pop()
        if isinstance(node, Sum):
            counts[node] += 1
            stack.extend(node.terms)
        elif isinstance(node, Contraction) and not node.summed:
            stack.extend(factor for factor, _, _ in node.factors)
    return {node for node, count in counts.items() if count > 1}


def _coefficient(value: Fraction, atoms: Atoms) -> Any:
    if value.denominator <= ROUGHEST:
        return _rational(value)
    symbol = atoms.setdefault((number(abs(value)), ()), _atom(len(atoms), "positive"))
    return symbol if value > 0 else -symbol


def _rational(value: Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)


@dataclass(frozen=True, slots=True)
class Form:
    """Another form of a scalar formula.

    Attributes:
        formula: SymPy's.
        law: What was done: ``cancelled``, ``factored`` or ``expanded``.
        divisors: Atoms of a common divisor that was taken out of a sum whose terms keep others.
    """

    formula: Any
    law: str
    divisors: frozenset[Any] = frozenset()


@lru_cache(maxsize=4096)
def scalar_forms(formula: Any) -> tuple[Form, ...]:
    """Other forms of a scalar formula: cancelled, factored, multiplied out.

    Terms are brought over a common denominator only where something cancels then, and a sum of
    powers is never written as a product. What would have very many terms on the way is left alone.
    """
    if max(_quotient_terms(formula)) > MOST_MONOMIALS:
        return ()
    cancelled, expanded = sympy.cancel(formula), sympy.expand(formula)
    written, terms = _terms_written(formula), len(sympy.Add.make_args(expanded))
    several = len({sympy.fraction(t)[1] for t in _without_numbers(expanded)}) > 1
    sum_of_powers = _is_sum_of_powers(expanded)
    forms: dict[Any, Form] = {}
    for form in (as_product(cancelled), cancelled):
        count = len(sympy.Add.make_args(sympy.expand(sympy.fraction(form)[0])))
        law = "factored" if count >= written and _is_product(form) else "cancelled"
        needless = (several and count >= terms) or (sum_of_powers and law == "factored")
        if not needless:
            forms.setdefault(form, Form(form, law))
    common = _common_monomial(formula)
    if common.free_symbols and not sum_of_powers:
        divisors = sympy.fraction(common)[1].free_symbols
        form = common * sympy.Add(*(term / common for term in formula.args))
        forms.setdefault(form, Form(form, "factored", frozenset(divisors if several else ())))
    forms.setdefault(expanded, Form(expanded, "cancelled" if terms < written else "expanded"))
    return tuple(forms.values())


def as_product(formula: Any) -> Any:
    """The formula as SymPy factors it.

    SymPy's algorithm for many symbols now and then runs for minutes where nothing factors. A
    polynomial that is linear in a symbol needs none: but for what all its coefficients share, it is
    irreducible.
    """
    parts: list[Any] = []
    number = sympy.S.One
    while (found := _linear_factor(formula)) is not None:
        coefficient, part, formula = found
        number, parts = number * coefficient, [*parts, part]
    whole = sympy.factor(formula)
    if not parts:
        return whole
    coefficient, rest = whole.as_coeff_Mul()
    number, product = number * coefficient, sympy.Mul(rest, *parts)
    if product.is_Add and number in (1, -1):
        return number * product
    numbers = () if number == 1 else (number,)
    return sympy.Mul(*numbers, *sympy.Mul.make_args(product), evaluate=False)


def _linear_factor(formula: Any) -> tuple[Any, Any, Any] | None:
    """A number, a factor of the numerator that is linear in a symbol, and what is left."""
    above, below = sympy.fraction(formula)
    if not above.is_Add:
        return None
    whole = sympy.Poly(above)
    degrees = zip(whole.gens, whole.degree_list(), strict=True)
    linear = next((symbol for symbol, degree in degrees if degree == 1), None)
    if linear is None or not all(symbol.is_Symbol for symbol in whole.gens):
        return None
    content, rest = sympy.Poly(above, linear).primitive()
    denominator, rest = sympy.Poly(rest.as_expr(), *whole.gens).clear_denoms()
    number, rest = rest.primitive()
    sign = -1 if rest.LC() < 0 else 1
    return sign * number / denominator, (sign * rest).as_expr(), content / below


def _is_sum_of_powers(formula: Any) -> bool:
    """Whether all terms have some symbol, in different powers: ``a x^2 + b x``."""
    powers = [term.as_powers_dict() for term in _without_numbers(formula)]
    if formula.is_Add and len(formula.free_symbols) == 1 and formula.is_polynomial():
        return True
    return any(
        base.is_Symbol
        and all(term.get(base, 0) > 0 for term in powers)
        and len({term[base] for term in powers}) > 1
        for base in powers[0]
    )


def _is_product(formula: Any) -> bool:
    """Whether a sum is a factor of a formula, or is divided."""
    above = sympy.fraction(formula)[0]
    return isinstance(formula, sympy.Mul | sympy.Pow) and above.has(sympy.Add)


def _terms_written(formula: Any) -> int:
    """How many terms a formula has if it is multiplied out and nothing is collected."""
    if isinstance(formula, sympy.Add):
        return sum(map(_terms_written, formula.args))
    if isinstance(formula, sympy.Mul):
        return prod(map(_terms_written, formula.args))
    if isinstance(formula, sympy.Pow) and formula.exp.is_Integer and formula.exp > 0:
        return comb(_terms_written(formula.base) + int(formula.exp) - 1, int(formula.exp))
    return 1


def _quotient_terms(formula: Any) -> tuple[int, int]:
    """How many terms numerator and denominator have over a common denominator, multiplied out."""
    if isinstance(formula, sympy.Add):
        parts = [(_quotient_terms(term), sympy.fraction(term)[1]) for term in formula.args]
        common = prod({divisor: terms[1] for terms, divisor in parts}.values())
        return sum(above * common // own for (above, own), _ in parts), common
    if isinstance(formula, sympy.Mul):
        pairs = [_quotient_terms(factor) for factor in formula.args]
        return prod(above for above, _ in pairs), prod(below for _, below in pairs)
    if isinstance(formula, sympy.Pow) and formula.exp.is_Integer:
        power = abs(int(formula.exp))
        over, under = (comb(n + power - 1, power) for n in _quotient_terms(formula.base))
        return (over, under) if formula.exp > 0 else (under, over)
    return 1, 1


def _without_numbers(formula: Any) -> list[Any]:
    """The terms of a sum without their numerical coefficients."""
    return [term.as_coeff_Mul()[1] for term in sympy.Add.make_args(formula)]


def _common_monomial(formula: Any) -> Any:
    """The largest product of powers that is in every term of a sum, divisors among them; else 1.

    A root that stands in every term is taken out in its highest power.
    """
    powers = [term.as_powers_dict() for term in _without_numbers(formula)]
    if len(powers) < 2:
        return sympy.S.One
    common = sympy.S.One
    for base in powers[0]:
        exponents = [term.get(base, sympy.S.Zero) for term in powers]
        if all(e.is_negative for e in exponents) or exponents[0] == min(exponents) == max(
            exponents
        ):
            common *= base ** min(exponents, key=abs)
        elif all(e.is_Rational and not e.is_integer for e in exponents):
            common *= base ** max(exponents)
    return common


def least_size(formula: Any, sizes: Mapping[Any, int]) -> int:
    """How many symbols and operations a formula has at least, by the sizes of its atoms."""
    if not formula.args:
        return sizes.get(formula, 0)
    if isinstance(formula, sympy.Pow):
        return least_size(formula.base, sizes)
    between = len(formula.args) - 1 if isinstance(formula, sympy.Add) else 0
    return between + sum(least_size(arg, sizes) for arg in formula.args)


def from_scalar(formula: Any, atoms: dict[Any, tuple[Tensor, Letters]], shape: Shape) -> Tensor:
    """The tensor of this shape whose entries are given by a scalar formula.

    Args:
        formula: SymPy's, over the atoms' symbols.
        atoms: Tensor of each symbol, with the axes of ``shape`` it lies along.
        shape: Of the result.
    """
    axes = tuple(range(len(shape)))
    dims = dict(enumerate(shape))
    if formula in atoms:
        tensor, letters = atoms[formula]
        return relabel(tensor, letters, shape)
    if isinstance(formula, sympy.Rational):
        return number(Fraction(int(formula.p), int(formula.q)), shape)
    if formula.is_number:
        return contract(1, [(Constant(formula), ())], axes, dims)
    if isinstance(formula, sympy.Add):
        return add((from_scalar(term, atoms, shape) for term in formula.args), shape)
    if isinstance(formula, sympy.Mul):
        coefficient, rest = formula.as_independent(*formula.free_symbols)
        if coefficient != 1 and not coefficient.is_Rational:
            rational, constant = coefficient.as_coeff_Mul()
            scaled = from_scalar(rational * rest, atoms, shape)
            return contract(1, [(Constant(constant), ()), (scaled, axes)], axes, dims)
        parts = [(from_scalar(factor, atoms, shape), axes) for factor in formula.args]
        return contract(1, parts, axes, dims)
    if isinstance(formula, sympy.Pow) and isinstance(formula.exp, sympy.Rational):
        power = Fraction(int(formula.exp.p), int(formula.exp.q))
        return contract(1, [(from_scalar(formula.base, atoms, shape), axes, power)], axes, dims)
    if isinstance(formula, sympy.Function | sympy.exp):
        args = [(from_scalar(arg, atoms, shape), axes) for arg in formula.args]
        return apply(formula.func.__name__.lower(), args, shape)
    raise UnsupportedError(f"there is no tensor for the scalar formula {formula}")
