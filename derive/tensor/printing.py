"""Tensors printed in index notation: ``A[i,j] x[j]``, sums over repeated letters written out."""

from __future__ import annotations

from fractions import Fraction

from derive.tensor.nodes import Call, Constant, Contraction, Delta, Map, Sum, Tensor, Variable

__all__ = ["index_notation"]

LETTERS = "ijklpqrstuvwabcdefgh"


def index_notation(tensor: Tensor, letters: str | None = None) -> str:
    """The tensor in index notation, in plain characters.

    Args:
        tensor: Of any order.
        letters: Letters of its axes; ``ijk...`` by default.
    """
    return _Printer().show(tensor, letters or LETTERS[: tensor.order])


class _Printer:
    def __init__(self) -> None:
        self.used = 0

    def show(self, tensor: Tensor, axes: str, outer: int = 0) -> str:
        if isinstance(tensor, Variable):
            return tensor.name + _brackets(axes)
        if isinstance(tensor, Constant):
            return str(tensor.value)
        if isinstance(tensor, Delta):
            return f"delta{_brackets(axes)}"
        if isinstance(tensor, Contraction):
            text = self._contraction(tensor, axes)
            return f"({text})" if outer > 1 else text
        if isinstance(tensor, Sum):
            text = self.show(tensor.terms[0], axes, 1)
            for term in tensor.terms[1:]:
                piece = self.show(term, axes, 1)
                text += f" - {piece[1:]}" if piece.startswith("-") else f" + {piece}"
            return f"({text})" if outer else text
        if isinstance(tensor, Map):
            inner = ", ".join(
                self.show(arg, "".join(axes[x] for x in letters)) for arg, letters in tensor.args
            )
            return f"{tensor.function}({inner})"
        assert isinstance(tensor, Call)
        inner = ", ".join(self.show(arg, "_" * arg.order) for arg in tensor.args)
        return f"{tensor.function}({inner}){_brackets(axes)}"

    def _contraction(self, node: Contraction, axes: str) -> str:
        names = dict(enumerate(axes))
        for letter in sorted(node.letters - set(names)):
            names[letter] = next(c for c in LETTERS[self.used :] if c not in names.values())
        pieces = []
        for factor, letters, power in node.factors:
            text = self.show(factor, "".join(names[x] for x in letters), 2)
            pieces.append(text if power == 1 else f"{text}^{_power(power)}")
        sign = "-" if node.coefficient < 0 else ""
        size = abs(node.coefficient)
        if size != 1 or not pieces:
            pieces.insert(0, str(size) if size.denominator == 1 else f"({size})")
        summed = "".join(names[x] for x in sorted(node.summed))
        if summed:
            pieces.insert(0, f"sum_{summed}")
        return sign + " ".join(pieces)


def _power(power: Fraction) -> str:
    return str(power) if power.denominator == 1 and power > 0 else f"({power})"


def _brackets(axes: str) -> str:
    return f"[{','.join(axes)}]" if axes else ""
