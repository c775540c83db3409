"""NumPy expressions written as Python text, with as few brackets as Python needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import sympy

from derive.emit.numpy_code.arrays import (
    Array,
    core_of,
    is_boolean,
    is_floating,
    is_number,
    subscripts,
)
from derive.emit.numpy_code.functions import COMPARISONS, FUNCTIONS, REDUCTIONS
from derive.emit.numpy_code.moved import MOVED
from derive.emit.numpy_code.numbers import (
    ADD,
    ATOM,
    CHOICE,
    COMPARE,
    MULTIPLY,
    POWER,
    UNARY,
    Numbers,
    Written,
    bracketed,
    is_decimal,
    number_text,
)

__all__ = ["Writer"]

HALF: Final = Fraction(1, 2)
OF_NUMBERS: Final = frozenset({"exp", "log", "sqrt", "sin", "cos", "tan", "tanh"})
"""Functions that are taken from ``math`` where their argument is a number; there precision is that
of Python, and an array of single precision stays one."""

SIMPLE: Final = re.compile(r"[\w.]+")
"""Operands around which ``**`` stands without spaces."""


Term = tuple[Fraction, list[tuple[Array, Fraction]], Array]


class Writer(Numbers):
    """Writes nodes; those that have a name are written as the name.

    Args:
        names: Identifiers of named nodes; read when something is written.
        sizes: Identifiers of dimensions.
        modules: What NumPy and ``math`` are called in the module.
        like: An argument, whose precision new arrays get.
    """

    def __init__(
        self,
        names: Mapping[Array, str],
        sizes: Mapping[str, str],
        modules: tuple[str, str] = ("np", "math"),
        like: str = "",
    ) -> None:
        super().__init__(sizes, modules)
        self.names = names
        self.like, self.uses_like = like, False
        self._written: dict[Array, Written] = {}
        self._names = 0
        self.helpers: dict[str, None] = {}

    def text(self, node: Array, own: bool = False) -> str:
        """A node as an expression; with ``own``, its formula even if it has a name."""
        return self._write(node, own)[0]

    def _write(self, node: Array, own: bool = False) -> Written:
        if own:
            return self._formula(node)
        name = self.names.get(node)
        if name is not None:
            return name, ATOM
        if self._names != len(self.names):
            self._written.clear()
            self._names = len(self.names)
        known = self._written.get(node)
        if known is None:
            known = self._written[node] = self._formula(node)
        return known

    def _formula(self, node: Array) -> Written:
        """A node as an expression, whether it has a name or not."""
        if node.op == "where" and not node.order:
            return self._choice(node)
        if node.op in FUNCTIONS:
            return self._call(node.op, node.args), ATOM
        if node.op in REDUCTIONS:
            return self._reduction(node)
        if node.op in MOVED:
            return MOVED[node.op](self, node)
        handler: Callable[[Array], Written] = getattr(self, f"_{node.op}")
        return handler(node)

    def inside(self, node: Array, least: int) -> str:
        """A node inside something that binds this tightly."""
        written, level = self._write(node)
        return f"({written})" if level < least else written

    def number_like(self, node: Array) -> str:
        """A node as an array of numbers: a comparison becomes ones and zeros."""
        return self.as_numbers(node)[0] if is_boolean(node) else self._write(node)[0]

    def as_numbers(self, node: Array) -> Written:
        """An array of booleans as ones and zeros of the precision of what is compared."""
        compared = core_of(node)
        named = [a for a in map(core_of, compared.args) if a.op == "name" or a in self.names]
        if compared in self.names or not named:
            return f"{self.inside(node, ATOM)}.astype({self.dtype()})", ATOM
        return f"{self.inside(node, ATOM)}.astype({self.text(named[0])}.dtype)", ATOM

    def dtype(self) -> str:
        """The precision of the arguments."""
        if not self.like:
            return "float"
        self.uses_like = True
        return f"{self.like}.dtype"

    def typed(self) -> str:
        """An argument that gives a new array the precision of the arguments."""
        return f", dtype={self.dtype()}" if self.like else ""

    def _call(self, name: str, args: tuple[Array, ...]) -> str:
        template = FUNCTIONS[name]
        if template.startswith("_"):
            self.helpers[template.partition("(")[0]] = None
        bare = name == "where"
        if name in ("max", "min"):
            args = tuple(sorted(args, key=lambda arg: arg.op == "number"))
        written = [
            self.text(arg) if bare and not place else self.number_like(arg)
            for place, arg in enumerate(args)
        ]
        if bare and not is_boolean(args[0]):
            written[0] = f"{self.inside(args[0], ADD)} != 0.0"
        text = self._aliased(template).format(*written)
        return f"{text}.astype({self.dtype()})" if bare and all(map(is_number, args[1:])) else text

    def _choice(self, node: Array) -> Written:
        """A choice between two numbers; only the one that is taken is computed."""
        condition, yes, no = node.args
        holds = self.inside(condition, COMPARE)
        if not is_boolean(condition):
            holds = f"{self.inside(condition, ADD)} != 0.0"
        written = [
            self.number_like(a) if is_boolean(a) else self.inside(a, COMPARE) for a in (yes, no)
        ]
        return f"{written[0]} if {holds} else {written[1]}", CHOICE

    def _aliased(self, text: str) -> str:
        return re.sub(r"\bnp\.", f"{self.numpy}.", text)

    def _name(self, node: Array) -> Written:
        return str(node.value), ATOM

    def _number(self, node: Array) -> Written:
        value = node.value
        written = number_text(abs(value))
        level = MULTIPLY if " / " in written else ATOM
        return (f"-{written}", min(level, UNARY)) if value < 0 else (written, level)

    def _constant(self, node: Array) -> Written:
        return self.scalar(node.value)

    def _function(self, node: Array) -> Written:
        template = FUNCTIONS[node.value]
        if node.value in OF_NUMBERS and all(map(is_number, node.args)):
            self.uses_math = True
            args = map(self.text, node.args)
            return template.replace("np.", f"{self.math}.").format(*args), ATOM
        return self._call(node.value, node.args), ATOM

    def _compare(self, node: Array) -> Written:
        left, right = (self.inside(arg, ADD) for arg in node.args)
        return f"{left} {COMPARISONS[node.value]} {right}", COMPARE

    def _floating(self, node: Array) -> Written:
        return self.as_numbers(node.args[0])

    def _add(self, node: Array) -> Written:
        terms = self._terms(node)
        text = ""
        for coefficient, items, _ in sorted(terms, key=_term_order):
            written = number_text(abs(coefficient))
            if items:
                written, level = self._product(abs(coefficient), items)
                loosest = ADD if coefficient > 0 else MULTIPLY
                written = f"({written})" if level < loosest else written
            sign = "-" if coefficient < 0 else "+"
            text += f" {sign} {written}" if text else f"{'-' * (sign == '-')}{written}"
        return text, ADD

    def _terms(self, node: Array) -> list[Term]:
        """The terms of a sum, those of unnamed sums inside it included."""
        found: list[Term] = []
        for coefficient, term in zip(node.value, node.args, strict=True):
            items, factor = self._factors(term)
            if term.op == "number":
                items, factor = [], term.value
            inner = items[0][0] if len(items) == 1 and items[0][1] == 1 else None
            if inner is not None and inner.op == "add" and inner not in self.names:
                scale = coefficient * factor
                found.extend((scale * c, parts, part) for c, parts, part in self._terms(inner))
            else:
                found.append((coefficient * factor, items, term))
        return found

    def _multiply(self, node: Array) -> Written:
        items, coefficient = self._factors(node, own=True)
        return self._product(coefficient, items)

    def _factors(
        self, node: Array, own: bool = False
    ) -> tuple[list[tuple[Array, Fraction]], Fraction]:
        """The factors of a product, those of unnamed products inside it included."""
        if node.op != "multiply" or (node in self.names and not own):
            return [(node, Fraction(1))], Fraction(1)
        coefficient, powers = node.value
        items: list[tuple[Array, Fraction]] = []
        for arg, power in zip(node.args, powers, strict=True):
            apart = power != 1 or 0 < arg.order < node.order
            inner, factor = ([(arg, power)], Fraction(1)) if apart else self._factors(arg)
            items.extend(inner)
            coefficient *= factor
        return items, coefficient

    def _product(self, coefficient: Fraction, items: list[tuple[Array, Fraction]]) -> Written:
        coefficient, items = _with_one_constant(coefficient, items)
        if coefficient < 0:
            for place, (array, power) in enumerate(items):
                turned = self._negated(array) if power == 1 else None
                if turned is not None:
                    coefficient = -coefficient
                    items = [*items[:place], (turned, power), *items[place + 1 :]]
                    break
        above = [(a, p) for a, p in items if p > 0]
        below = [self._power(a, -p) for a, p in items if p < 0]
        sign, size = coefficient < 0, abs(coefficient)
        numbers: list[str] = []
        if is_decimal(size):
            numbers = [number_text(size)] if size != 1 else []
        else:
            numbers = [number_text(Fraction(size.numerator))] if size.numerator != 1 else []
            below.append((number_text(Fraction(size.denominator)), ATOM))
        above.sort(key=lambda item: is_boolean(item[0]))
        if not numbers and not above:
            numbers = ["1.0"]
        parts = [*numbers, *(bracketed(*self._power(a, p)) for a, p in above)]
        is_bare = bool(above) and is_boolean(above[0][0])
        if is_bare and (coefficient < 0 or not any(is_floating(array) for array, _ in items)):
            parts[len(numbers)] = self.number_like(above[0][0])
        if len(parts) == 1 and not below and not numbers:
            bare = is_boolean(above[0][0])
            written, level = (parts[0], ATOM) if bare else self._power(*above[0])
            return (f"-{bracketed(written, level)}", UNARY) if sign else (written, level)
        text = " * ".join(parts)
        if len(below) == 1:
            text += f" / {bracketed(*below[0])}"
        elif below:
            text += f" / ({' * '.join(bracketed(*part) for part in below)})"
        return ("-" * sign + text, UNARY if sign else MULTIPLY)

    def _negated(self, node: Array) -> Array | None:
        """Minus a difference, or minus the sum of one, with its terms the other way round."""
        if node in self.names:
            return None
        if node.op in ("sum", "mean"):
            inner = self._negated(node.args[0])
            return None if inner is None else Array(node.op, (inner,), node.shape, node.value)
        if node.op != "add" or min(node.value) >= 0:
            return None
        return Array("add", node.args, node.shape, tuple(-c for c in node.value))

    def _power(self, base: Array, power: Fraction) -> Written:
        if power == 1:
            return self._write(base)
        if power == HALF and base.op in ("constant", "number"):
            self.uses_math = True
            return f"{self.math}.sqrt({self.text(base)})", ATOM
        if power == HALF:
            return f"{self.numpy}.sqrt({self.text(base)})", ATOM
        written, level = self._write(base)
        exponent = str(power.numerator) if power.denominator == 1 else repr(float(power))
        if level == ATOM and SIMPLE.fullmatch(written):
            return f"{written}**{exponent}", POWER
        return f"{self._atom(written, level)} ** {exponent}", POWER

    def _atom(self, written: str, level: int) -> str:
        return written if level == ATOM else f"({written})"

    def _matmul(self, node: Array) -> Written:
        left, right = node.args
        first = self._operand(left)
        if left.op == "matmul" and left not in self.names:
            first = self._write(left)[0]
        return f"{first} @ {self._operand(right)}", MULTIPLY

    def _operand(self, node: Array) -> str:
        return self.number_like(node) if is_boolean(node) else self.inside(node, POWER)

    def _reduction(self, node: Array) -> Written:
        name, (arg,) = REDUCTIONS[node.op], node.args
        axis = "" if node.value is None else f"axis={node.value}"
        if (arg.op == "name" or arg in self.names) and not is_boolean(arg):
            return f"{self._write(arg)[0]}.{name}({axis})", ATOM
        of = self._write(arg)[0] + self.typed() if is_boolean(arg) else self._write(arg)[0]
        return f"{self.numpy}.{name}({of}{', ' * bool(axis)}{axis})", ATOM

    def helper(self, name: str, arguments: str) -> Written:
        """A call of a function that the module defines for itself."""
        self.helpers[name] = None
        return f"{name}({arguments})", ATOM

    def _broadcast(self, node: Array) -> Written:
        if node.value is None:
            left, right = (self._operand(arg) for arg in node.args)
            return f"{left} * {right}", MULTIPLY
        args = ", ".join(map(self.number_like, node.args))
        return f'{self.numpy}.multiply({args}, order="{node.value}")', ATOM

    def diagonal(self, name: str, axes: Sequence[int]) -> str:
        """The view of an array in which some of its axes agree."""
        marks = subscripts([tuple(axes)], tuple(dict.fromkeys(axes)))
        return f'{self.numpy}.einsum("{marks}", {name})'

    def _einsum(self, node: Array) -> Written:
        args = ", ".join(self.number_like(arg) for arg in node.args)
        best = ", optimize=True" if len(node.args) > 1 else ""
        return f'{self.numpy}.einsum("{node.value}", {args}{best})', ATOM


def _term_order(term: Term) -> tuple[Any, ...]:
    """Positive terms first; among them numbers, then products, then names."""
    coefficient, _, node = term
    node = core_of(node)
    rank = {"number": 0, "name": 2}.get(node.op, 1)
    return (coefficient < 0, rank, str(node.value) if rank == 2 else "")


def _with_one_constant(
    coefficient: Fraction, items: list[tuple[Array, Fraction]]
) -> tuple[Fraction, list[tuple[Array, Fraction]]]:
    """A product with its irrational factors, and the rational one beside them, made one number."""
    numbers = [item for item in items if item[0].op == "constant" and item[0].value.is_number]
    if not numbers:
        return coefficient, items
    value = sympy.Rational(*abs(coefficient).as_integer_ratio())
    for array, power in numbers:
        value *= array.value ** sympy.Rational(*power.as_integer_ratio())
    rest = [item for item in items if item not in numbers]
    sign = Fraction(-1 if coefficient < 0 else 1)
    value = sympy.powsimp(sympy.expand(value))
    if value.is_Rational:
        return sign * Fraction(int(value.p), int(value.q)), rest
    return sign, [(Array("constant", (), (), value), Fraction(1)), *rest]
