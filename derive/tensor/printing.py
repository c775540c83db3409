"""Tensors printed in index notation: ``A[i,j] x[j]``, sums over repeated letters written out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from derive.tensor.algebra import terms_of
from derive.tensor.incidence import is_incidence, offset_of
from derive.tensor.nodes import Call, Constant, Contraction, Delta, Map, Sum, Tensor, Variable

__all__ = ["LETTERS", "UNICODE", "index_notation"]

LETTERS = "ijklpqrstuvwabcdefgh"
CALL_NAMES: Final = {"inverse": "inv"}
RELATIONS: Final = {"gt": ">", "lt": "<", "ge": ">=", "le": "<="}
PLAIN: Final = {"sum": "sum", "delta": "delta", "minus": "-", "any": "_"}
UNICODE: Final = {"sum": "Σ", "delta": "δ", "minus": "−", "any": "·"}


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
        signs: How sums, deltas and minus signs are written.
    """
    return _Printer(name, signs).show(tensor, letters or LETTERS[: tensor.order])


class _Printer:
    def __init__(self, name: Callable[[Variable], str], signs: Mapping[str, str]) -> None:
        self.name, self.signs = name, signs
        self.used: frozenset[str] = frozenset()

    def show(self, tensor: Tensor, axes: str, outer: int = 0) -> str:
        if isinstance(tensor, Variable):
            return self.name(tensor) + _brackets(axes)
        if isinstance(tensor, Constant):
            return str(tensor.value)
        if isinstance(tensor, Delta):
            return f"{self.signs['delta']}{_brackets(axes)}"
        if isinstance(tensor, Contraction):
            if len(terms_of(tensor)) > 1 and tensor.coefficient == -1:
                return self.show(_negated(tensor), axes, outer)
            text = self._contraction(tensor, axes)
            return f"({text})" if outer > 1 else text
        if isinstance(tensor, Sum):
            terms = sorted(tensor.terms, key=lambda term: term.coefficient < 0)
            text = self.show(terms[0], axes, 1)
            for term in terms[1:]:
                piece = self.show(term, axes, 1)
                minus = self.signs["minus"]
                below = piece.startswith(minus)
                text += f" {minus} {piece[len(minus) :]}" if below else f" + {piece}"
            return f"({text})" if outer else text
        if isinstance(tensor, Map):
            if tensor.function in RELATIONS:
                left, right = (
                    self.show(arg, "".join(axes[x] for x in ls)) for arg, ls in tensor.args
                )
                return f"1[{left} {RELATIONS[tensor.function]} {right}]"
            inner = ", ".join(
                self.show(arg, "".join(axes[x] for x in letters)) for arg, letters in tensor.args
            )
            return f"{tensor.function}({inner})"
        assert isinstance(tensor, Call)
        if is_incidence(tensor):
            return self._incidence(tensor, axes)
        inner = ", ".join(
            self.name(arg)
            if isinstance(arg, Variable)
            else self.show(arg, self.signs["any"] * arg.order)
            for arg in tensor.args
        )
        return f"{CALL_NAMES.get(tensor.function, tensor.function)}({inner}){_brackets(axes)}"

    def _incidence(self, tensor: Call, axes: str) -> str:
        """``1[i >= j]``, ``delta[j,i + o]`` and ``delta[k,i*n + j]``."""
        if tensor.function == "lower":
            return f"1[{axes[0]} >= {axes[1]}]"
        if tensor.function == "pair":
            return f"{self.signs['delta']}[{axes[0]},{axes[1]}*{tensor.shape[2]} + {axes[2]}]"
        start = offset_of(tensor)
        place = f"{axes[0]} + {start}" if start else axes[0]
        return f"{self.signs['delta']}[{axes[-1]},{place if tensor.order == 2 else start}]"

    def _contraction(self, node: Contraction, axes: str) -> str:
        names = dict(enumerate(axes))
        before = self.used
        for letter in sorted(node.letters - set(names)):
            taken = {*names.values(), *self.used}
            names[letter] = next(c for c in LETTERS if c not in taken)
        self.used = frozenset({*self.used, *names.values()})
        pieces = []
        for factor, letters, power in sorted(node.factors, key=lambda f: f[1]):
            text = self.show(factor, "".join(names[x] for x in letters), 2)
            pieces.append(text if power == 1 else f"{text}^{_power(power)}")
        sign = self.signs["minus"] if node.coefficient < 0 else ""
        size = abs(node.coefficient)
        if size != 1 or not pieces:
            pieces.insert(0, str(size) if size.denominator == 1 else f"({size})")
        self.used = before
        summed = "".join(names[x] for x in sorted(node.summed))
        if summed:
            pieces.insert(0, f"{self.signs['sum']}_{summed}")
        return sign + " ".join(pieces)


def _negated(tensor: Contraction) -> Sum:
    """Minus a sum, as the sum of its terms with their signs changed."""
    return Sum(tuple(terms_of(tensor)))


def _power(power: Fraction) -> str:
    return str(power) if power.denominator == 1 and power > 0 else f"({power})"


def _brackets(axes: str) -> str:
    return f"[{','.join(axes)}]" if axes else ""
