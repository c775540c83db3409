"""NumPy expressions written as Python text, with as few brackets as Python needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import sympy

from derive.emit.numpy_code.arrays import Array, core_of, is_boolean
from derive.emit.numpy_code.functions import COMPARISONS, FUNCTIONS, REDUCTIONS

__all__ = ["Writer", "is_floating", "number_text"]

CHOICE: Final = 0
COMPARE: Final = 1
ADD: Final = 2
MULTIPLY: Final = 3
UNARY: Final = 4
POWER: Final = 5
ATOM: Final = 6

HALF: Final = Fraction(1, 2)
MOST_DECIMALS: Final = 6
"""A fraction with at most so many decimals is written with them."""

LARGEST_RATIO: Final = 10**6
"""Above it, a fraction is written as the nearest floating-point number."""

OF_NUMBERS: Final = frozenset({"exp", "log", "sqrt", "sin", "cos", "tan", "tanh"})
"""Functions that are taken from ``math`` where their argument is a number; there precision is that
of Python, and an array of single precision stays one."""

SIMPLE: Final = re.compile(r"[\w.]+")
"""Operands around which ``**`` stands without spaces."""

Written = tuple[str, int]
Term = tuple[Fraction, list[tuple[Array, Fraction]], Array]


def number_text(value: Fraction) -> str:
    """A number that is not negative, as a floating-point literal or a quotient of two."""
    if _is_decimal(value):
        return repr(float(value))
    return f"{float(value.numerator)!r} / {float(value.denominator)!r}"


def is_floating(array: Array) -> bool:
    """Whether an array has a floating-point type of its own: no number, no size, no booleans."""
    if is_boolean(array) or array.op in ("number", "constant"):
        return False
    if array.op in ("add", "multiply"):
        return any(map(is_floating, array.args))
    return True


def _is_number(array: Array) -> bool:
    """Whether an array is a number, sizes aside."""
    if array.op == "constant":
        return bool(array.value.is_number)
    return array.op == "number" or (
        array.op in ("add", "multiply") and all(map(_is_number, array.args))
    )


def _is_decimal(value: Fraction) -> bool:
    whole = 10**MOST_DECIMALS % value.denominator == 0
    return whole or value.denominator > LARGEST_RATIO


class Writer:
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
        self.names, self.sizes = names, sizes
        self.numpy, self.math = modules
        self.like = like
        self.uses_math = self.uses_like = False
        self._written: dict[Array, Written] = {}
        self._names = 0
        self.size_used: dict[str, None] = {}
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
        handler: Callable[[Array], Written] = getattr(self, f"_{node.op}")
        return handler(node)

    def _inside(self, node: Array, least: int) -> str:
        written, level = self._write(node)
        return f"({written})" if level < least else written

    def _number_like(self, node: Array) -> str:
        """A node as an array of numbers: a comparison becomes ones and zeros."""
        return self._as_numbers(node)[0] if is_boolean(node) else self._write(node)[0]

    def _as_numbers(self, node: Array) -> Written:
        """An array of booleans as ones and zeros of the precision of what is compared."""
        compared = core_of(node)
        named = [a for a in map(core_of, compared.args) if a.op == "name" or a in self.names]
        if compared in self.names or not named:
            return f"{self._inside(node, ATOM)}.astype({self._dtype()})", ATOM
        return f"{self._inside(node, ATOM)}.astype({self.text(named[0])}.dtype)", ATOM

    def _dtype(self) -> str:
        """The precision of the arguments."""
        if not self.like:
            return "float"
        self.uses_like = True
        return f"{self.like}.dtype"

    def _typed(self) -> str:
        return f", dtype={self._dtype()}" if self.like else ""

    def _call(self, name: str, args: tuple[Array, ...]) -> str:
        template = FUNCTIONS[name]
        if template.startswith("_"):
            self.helpers[template.partition("(")[0]] = None
        bare = name == "where"
        if name in ("max", "min"):
            args = tuple(sorted(args, key=lambda arg: arg.op == "number"))
        written = [
            self.text(arg) if bare and not place else self._number_like(arg)
            for place, arg in enumerate(args)
        ]
        if bare and not is_boolean(args[0]):
            written[0] = f"{self._inside(args[0], ADD)} != 0.0"
        text = self._aliased(template).format(*written)
        return (
            f"{text}.astype({self._dtype()})" if bare and all(map(_is_number, args[1:])) else text
        )

    def _choice(self, node: Array) -> Written:
        """A choice between two numbers; only the one that is taken is computed."""
        condition, yes, no = node.args
        holds = self._inside(condition, COMPARE)
        if not is_boolean(condition):
            holds = f"{self._inside(condition, ADD)} != 0.0"
        written = [
            self._number_like(a) if is_boolean(a) else self._inside(a, COMPARE) for a in (yes, no)
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
        return self._scalar(node.value)

    def _scalar(self, value: Any) -> Written:
        """A SymPy number or size expression."""
        if isinstance(value, sympy.Symbol):
            self.size_used[value.name] = None
            return self.sizes[value.name], ATOM
        if value.is_Integer and not value.is_negative:
            return str(int(value)), ATOM
        if value.is_number:
            written, level = self._irrational(abs(value))
            return (written, level) if value > 0 else (f"-{_bracketed(written, level)}", UNARY)
        if value.is_Add:
            return self._sum_of_sizes(value), ADD
        if value.is_Pow:
            base, level = self._scalar(value.args[0])
            return f"{self._atom(base, level)}**{value.args[1]}", POWER
        parts = [self._scalar(part) for part in value.args]
        return " * ".join(f"({t})" if lv < MULTIPLY else t for t, lv in parts), MULTIPLY

    def _sum_of_sizes(self, value: Any) -> str:
        text = ""
        for part in sorted(value.args, key=lambda part: part.could_extract_minus_sign()):
            negative = part.could_extract_minus_sign()
            written = self._scalar(-part if negative else part)[0]
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
        return self._scalar(dim)[0]

    def _function(self, node: Array) -> Written:
        template = FUNCTIONS[node.value]
        if node.value in OF_NUMBERS and all(map(_is_number, node.args)):
            self.uses_math = True
            args = map(self.text, node.args)
            return template.replace("np.", f"{self.math}.").format(*args), ATOM
        return self._call(node.value, node.args), ATOM

    def _compare(self, node: Array) -> Written:
        left, right = (self._inside(arg, ADD) for arg in node.args)
        return f"{left} {COMPARISONS[node.value]} {right}", COMPARE

    def _floating(self, node: Array) -> Written:
        return self._as_numbers(node.args[0])

    def _add(self, node: Array) -> Written:
        terms = self._terms(node)
        text = ""
        for coefficient, items, _ in sorted(terms, key=_term_order):
            written = number_text(abs(coefficient))
            if items:
                written, level = self._product(abs(coefficient), items)
                written = f"({written})" if level < ADD else written
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
            inner, factor = self._factors(arg) if power == 1 else ([(arg, power)], Fraction(1))
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
        if _is_decimal(size):
            numbers = [number_text(size)] if size != 1 else []
        else:
            numbers = [number_text(Fraction(size.numerator))] if size.numerator != 1 else []
            below.append((number_text(Fraction(size.denominator)), ATOM))
        above.sort(key=lambda item: is_boolean(item[0]))
        if not numbers and not above:
            numbers = ["1.0"]
        parts = [*numbers, *(_bracketed(*self._power(a, p)) for a, p in above)]
        is_bare = bool(above) and is_boolean(above[0][0])
        if is_bare and (coefficient < 0 or not any(is_floating(array) for array, _ in items)):
            parts[len(numbers)] = self._number_like(above[0][0])
        if len(parts) == 1 and not below and not numbers:
            bare = is_boolean(above[0][0])
            written, level = (parts[0], ATOM) if bare else self._power(*above[0])
            return (f"-{_bracketed(written, level)}", UNARY) if sign else (written, level)
        text = " * ".join(parts)
        if len(below) == 1:
            text += f" / {_bracketed(*below[0])}"
        elif below:
            text += f" / ({' * '.join(_bracketed(*part) for part in below)})"
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
        return self._number_like(node) if is_boolean(node) else self._inside(node, POWER)

    def _transpose(self, node: Array) -> Written:
        return f"{self._inside(node.args[0], ATOM)}.T", ATOM

    def _permuted(self, node: Array) -> Written:
        return f"{self.numpy}.transpose({self.text(node.args[0])}, {node.value})", ATOM

    def _expand(self, node: Array) -> Written:
        return f"{self._inside(node.args[0], ATOM)}[:, None]", ATOM

    def _reduction(self, node: Array) -> Written:
        name, (arg,) = REDUCTIONS[node.op], node.args
        axis = "" if node.value is None else f"axis={node.value}"
        if (arg.op == "name" or arg in self.names) and not is_boolean(arg):
            return f"{self._write(arg)[0]}.{name}({axis})", ATOM
        of = self._write(arg)[0] + self._typed() if is_boolean(arg) else self._write(arg)[0]
        return f"{self.numpy}.{name}({of}{', ' * bool(axis)}{axis})", ATOM

    def _deviations(self, node: Array) -> Written:
        axis = "" if node.value in (None, node.order - 1) else f", axis={node.value}"
        return self._helper("_deviations", f"{self._number_like(node.args[0])}{axis}")

    def _helper(self, name: str, arguments: str) -> Written:
        self.helpers[name] = None
        return f"{name}({arguments})", ATOM

    def _running(self, node: Array) -> Written:
        axis = "" if node.order < 2 else f", axis={node.value}"
        return f"{self.numpy}.cumsum({self._number_like(node.args[0])}{axis})", ATOM

    def _returning(self, node: Array) -> Written:
        turned = "::-1" if not node.value else ":, ::-1"
        axis = "" if node.order < 2 else f", axis={node.value}"
        arg = node.args[0]
        inner = self._as_numbers(arg)[0] if is_boolean(arg) else self._inside(arg, ATOM)
        inner = f"{inner}[{turned}]"
        return f"{self.numpy}.cumsum({inner}{axis})[{turned}]", ATOM

    def _block(self, node: Array) -> Written:
        (arg,) = node.args
        return f"{self._inside(arg, ATOM)}[{self._index(node.value, arg.shape)}]", ATOM

    def _placed(self, node: Array) -> Written:
        index = self._index(node.value, node.shape)
        if ":" in index:
            index = f"{self.numpy}.s_[{index}]"
        elif "," in index:
            index = f"({index})"
        value = self._number_like(node.args[0])
        if not is_floating(node.args[0]) and not is_boolean(node.args[0]) and self.like:
            value = f"{self._dtype()}.type({value})"
        return self._helper("_placed", f"{value}, {self._shape(node.shape)}, {index}")

    def _index(self, bounds: Sequence[Any], shape: Sequence[Any]) -> str:
        """What stands in the brackets of an index."""
        parts = []
        for own, dim in zip(bounds, shape, strict=True):
            if own is None:
                parts.append(":")
            elif isinstance(own, tuple):
                start = self.dim(own[0]) if own[0] != 0 else ""
                stop = self.dim(own[1]) if own[1] != dim else ""
                parts.append(f"{start}:{stop}")
            else:
                parts.append(self.dim(own))
        while len(parts) > 1 and parts[-1] == ":":
            parts.pop()
        return ", ".join(parts)

    def _shape(self, shape: Sequence[Any]) -> str:
        dims = [self.dim(dim) for dim in shape]
        return dims[0] if len(dims) == 1 else f"({', '.join(dims)})"

    def _joined(self, node: Array) -> Written:
        axis = f", axis={node.value}" if node.value else ""
        parts = ", ".join(self._number_like(arg) for arg in node.args)
        return f"{self.numpy}.concatenate([{parts}]{axis})", ATOM

    def _reshape(self, node: Array) -> Written:
        shape = ", ".join(map(self.dim, node.shape)) if node.order != 1 else "-1"
        return f"{self._inside(node.args[0], ATOM)}.reshape({shape})", ATOM

    def _tri(self, node: Array) -> Written:
        rows, columns = node.shape
        more = "" if rows == columns else f", {self.dim(columns)}"
        return f"{self.numpy}.tri({self.dim(rows)}{more}{self._typed()})", ATOM

    def _eye_at(self, node: Array) -> Written:
        rows = self.dim(node.shape[0]) if node.order == 2 else "1"
        place = f"{self.dim(node.shape[-1])}, {self.dim(node.value)}"
        whole = f"{self.numpy}.eye({rows}, {place}{self._typed()})"
        return (whole if node.order == 2 else f"{whole}[0]"), ATOM

    def _eye(self, node: Array) -> Written:
        return f"{self.numpy}.eye({self.dim(node.shape[0])}{self._typed()})", ATOM

    def _full(self, node: Array) -> Written:
        (arg,) = node.args
        if node.shape[0] == 1 and arg.shape == node.shape[1:] and arg.order:
            return f"{self._inside(arg, ATOM)}[None, :]", ATOM
        shape = self._shape(node.shape)
        if arg.op == "number" and arg.value in (0, 1):
            kind = "ones" if arg.value else "zeros"
            return f"{self.numpy}.{kind}({shape}{self._typed()})", ATOM
        typed = self._typed() if _is_number(arg) else ""
        return f"{self.numpy}.full({shape}, {self._floating_text(arg)}{typed})", ATOM

    def _full_like(self, node: Array) -> Written:
        arg, like = node.args
        if arg.op == "number" and arg.value in (0, 1):
            kind = "ones" if arg.value else "zeros"
            return f"{self.numpy}.{kind}_like({self.text(like)})", ATOM
        return f"{self.numpy}.full_like({self.text(like)}, {self._floating_text(arg)})", ATOM

    def _floating_text(self, node: Array) -> str:
        """A node as an array of floating-point numbers, also where it is made of sizes."""
        text = self._number_like(node)
        whole = not node.order and node.op in ("constant", "multiply") and "." not in text
        return f"1.0 * {text}" if whole else text

    def _einsum(self, node: Array) -> Written:
        args = ", ".join(self._number_like(arg) for arg in node.args)
        best = ", optimize=True" if len(node.args) > 1 else ""
        return f'{self.numpy}.einsum("{node.value}", {args}{best})', ATOM


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


def _bracketed(written: str, level: int) -> str:
    """A factor of a product; ``@`` binds no tighter than ``*``, so it is bracketed."""
    return written if level >= POWER else f"({written})"


def _term_order(term: Term) -> tuple[Any, ...]:
    """Positive terms first; among them numbers, then products, then names."""
    coefficient, _, node = term
    node = core_of(node)
    rank = {"number": 0, "name": 2}.get(node.op, 1)
    return (coefficient < 0, rank, str(node.value) if rank == 2 else "")
