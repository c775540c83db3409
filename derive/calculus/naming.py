"""Names for the inner parts of a formula, as a lecturer gives them: "write r = A x − b".

An argument of a function or a power gets a name of its own when there is a sum over letters in it
(a matrix product, say); so does the value of an inner function whose law is written with its value.
Everything else stays where it is: nobody names ``1 − a``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

from derive.calculus.rules import RULES
from derive.tensor.algebra import terms_of, transpose
from derive.tensor.definitions import IN_LAWS
from derive.tensor.incidence import is_incidence
from derive.tensor.nodes import Call, Contraction, Map, Sum, Tensor, Variable
from derive.tensor.parts import children, rebuild
from derive.tensor.recognition import recognise
from derive.tensor.substitution import variables_of

__all__ = ["Namer"]

ARGUMENT_NAMES = ("q", "u", "U")
SQUARED_NAMES = ("q", "r", "R")
CALL_NAMES = ("q", "u", "M")
VALUE_NAMES = {
    "sigmoid": ("s", "s", "S"),
    "tanh": ("h", "h", "H"),
    "softmax": ("p", "p", "P"),
    "log_softmax": ("l", "l", "L"),
}
OTHER_NAMES = ("v", "v", "V")
NORMALISED_NAMES = ("x_hat", "x_hat", "X_hat")
DEVIATIONS = {
    "layernorm": ("deviation", ("s", "s", "S")),
    "rmsnorm": ("root_mean_square", ("r", "r", "R")),
}
"""What the law of a normalising layer is written with besides its value, and what it is called."""


def _read_backwards(tensor: Tensor) -> int:
    """How many matrices in a formula are read against their rows and columns."""
    count = 0
    for term in terms_of(tensor):
        for factor, letters, _ in term.factors:
            if isinstance(factor, Sum) and letters in ((0, 1), (1, 0)):
                count += _read_backwards(factor if letters == (0, 1) else transpose(factor))
            elif len(letters) == 2:
                turned = isinstance(factor, Call) and any(map(_is_transpose, factor.args[:1]))
                count += (letters[0] == 1 or letters[1] == 0) != turned
    return count


def _is_transpose(tensor: Tensor) -> bool:
    if not isinstance(tensor, Contraction) or len(tensor.factors) != 1:
        return False
    return tensor.factors[0][1:] == ((1, 0), Fraction(1))


def _is_down_columns(tensor: Tensor) -> bool:
    """Whether a vector has one entry for each column of a matrix, which makes it a row."""
    if isinstance(tensor, Call) and tensor.order == 1 and tensor.args:
        return tensor.args[0].order == 2 and _is_transpose(tensor.args[0])
    inner = [part for part in children(tensor) if part.order == 1]
    if isinstance(tensor, Variable | Call) or not inner:
        return False
    return all(_is_down_columns(part) for part in inner)


def _is_sum(tensor: Contraction) -> bool:
    """Whether letters are summed; taking out a block is no sum."""
    others = [factor for factor, _, _ in tensor.factors if not is_incidence(factor)]
    return bool(tensor.summed) and not (len(others) == 1 and len(tensor.factors) > 1)


class Namer:
    """Gives names to inner parts, each part once.

    Args:
        taken: Names that are in use.
        found: Called with each new variable, its value set, in the order of computation.
    """

    def __init__(self, taken: Iterable[str], found: Callable[[Variable], None]) -> None:
        self.taken = set(taken) | {"e", "pi", "I"}
        self.found = found
        self.named: dict[Tensor, Variable] = {}
        self.done: dict[Tensor, Tensor] = {}
        self.sums: dict[Tensor, bool] = {}

    def body(self, tensor: Tensor) -> Tensor:
        """The formula with its inner parts replaced by names."""
        return self._inside(tensor, top=True)

    def _inside(self, tensor: Tensor, top: bool = False) -> Tensor:
        known = self.done.get(tensor)
        if known is None:
            parts = children(tensor)
            new = [self._part(tensor, place, part) for place, part in enumerate(parts)]
            known = tensor
            if any(a is not b for a, b in zip(new, parts, strict=True)):
                known = recognise(rebuild(tensor, new))
            self.done[tensor] = known
        if isinstance(known, Call) and known.function in DEVIATIONS:
            meaning, candidates = DEVIATIONS[known.function]
            self._name(IN_LAWS[meaning](*known.args), candidates)
            return known if top else self._name(known, NORMALISED_NAMES)
        if not top and isinstance(known, Map | Call) and self._value_wanted(known):
            return self._name(known, VALUE_NAMES.get(known.function, OTHER_NAMES))
        return known

    def _part(self, parent: Tensor, place: int, part: Tensor) -> Tensor:
        inner = self._inside(part)
        if not self._sums_letters(inner):
            return inner
        if isinstance(parent, Map):
            return self._name(inner, ARGUMENT_NAMES)
        if isinstance(parent, Call):
            return self._name(inner, CALL_NAMES)
        if isinstance(parent, Contraction):
            power = parent.factors[place][2]
            if power not in (1, Fraction(1, 2)) and inner.order:
                return self._name(inner, SQUARED_NAMES)
        return inner

    def _value_wanted(self, node: Map | Call) -> bool:
        """Whether the law of this inner function is written with its value."""
        rule = RULES.get(node.function)
        if rule is None or not rule.uses_value or node.function in ("inverse", "det", "exp"):
            return False
        return any(isinstance(part, Variable) and part.value is not None for part in children(node))

    def _sums_letters(self, tensor: Tensor) -> bool:
        known = self.sums.get(tensor)
        if known is None:
            known = isinstance(tensor, Contraction) and _is_sum(tensor)
            if not isinstance(tensor, Map | Call | Variable):
                known = known or any(self._sums_letters(part) for part in children(tensor))
            elif isinstance(tensor, Map):
                known = tensor.order > 0 and any(self._sums_letters(p) for p, _ in tensor.args)
            self.sums[tensor] = known
        return known

    def _name(self, tensor: Tensor, candidates: tuple[str, str, str]) -> Tensor:
        if isinstance(tensor, Variable):
            return tensor
        if tensor.order == 2:
            turned = transpose(tensor)
            if _read_backwards(turned) < _read_backwards(tensor):
                return transpose(self._name(turned, candidates))
        known = self.named.get(tensor)
        if known is None:
            stem = candidates[min(tensor.order, 2)]
            name, count = stem, 0
            while name in self.taken or f"{name}_bar" in self.taken:
                count += 1
                name = f"{stem.rstrip('0123456789')}{count}"
            self.taken.add(name)
            vectors = [part for part in variables_of(tensor) if part.order == 1]
            row = tensor.order == 1 and bool(vectors) and all(part.row for part in vectors)
            row = row or (tensor.order == 1 and _is_down_columns(tensor))
            known = Variable(name, tensor.shape, frozenset(), tensor, "introduced", row)
            self.named[tensor] = known
            self.found(known)
        return known
