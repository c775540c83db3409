"""Identifiers of generated code: the problem's own names, and new ones for what lines share."""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from typing import Final

from derive.emit.numpy_code.arrays import Array
from derive.errors import InputError, UnsupportedError
from derive.problem import Problem

__all__ = ["Names", "identifier"]

LONGEST_HINT: Final = 12
LETTERS: Final = ("c", "v", "M")
"""Names for shared arrays of no, one and two axes that have no better one."""

NUMBER_WORDS: Final = {0: "zero", 1: "one", 2: "two"}
NAMED: Final = frozenset(
    {
        *("norm", "trace", "sum", "mean", "prod", "var", "det", "logdet", "softmax", "logsumexp"),
        *("cholesky", "expm", "tril", "triu"),
    }
)
"""Operators that a name may begin with."""

COMPARISON_WORDS: Final = {"gt": "above", "ge": "above", "lt": "below", "le": "below"}


def identifier(name: str) -> str:
    """The name of a quantity in code: a word of Python gets an underscore.

    >>> identifier("lambda"), identifier("W1"), identifier("∂y/∂u")
    ('lambda_', 'W1', 'dy_du')
    """
    name = name.replace("∂", "d").replace("/", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


class Names:
    """The identifiers of one module, and new ones that clash with none.

    Raises:
        InputError: Two quantities would have the same identifier.
        UnsupportedError: A name starts with an underscore, as those of the module's own do.
    """

    def __init__(self, problem: Problem, others: Iterable[str] = ()) -> None:
        quantities = (*problem.variables, *problem.definitions, *problem.sizes)
        self.taken: set[str] = set(quantities)
        for name in quantities:
            if name.startswith("_"):
                raise UnsupportedError(f"code for {name}: a name that starts with _")
            if identifier(name) != name and identifier(name) in self.taken:
                raise InputError(
                    f"{name} and {identifier(name)} would have the same name in Python",
                    (f"Rename {identifier(name)}.",),
                )
        self.taken.update(map(identifier, quantities))
        self.taken.update(others)
        self.numpy = self._reserve("np", "numpy", "np_")
        self.math = self._reserve("math", "math_")

    def _reserve(self, *wishes: str) -> str:
        found = next(wish for wish in (*wishes, wishes[-1] + "_") if wish not in self.taken)
        self.taken.add(found)
        return found

    def global_name(self, wish: str) -> str:
        """A name for something of the module's own: a class, a helper, a setting."""
        return wish if wish not in self.taken else self._reserve(wish, f"{wish}_", f"{wish}__")

    def temporary(
        self, node: Array, known: dict[Array, str], used: set[str], hint: str = ""
    ) -> str:
        """A name for a shared node, after what it holds."""
        hint = hint or _describe(node, known)
        wishes = [hint] if hint and len(hint) <= LONGEST_HINT else []
        stem = LETTERS[min(node.order, 2)]
        wishes += [stem, *(f"{stem}{count}" for count in range(1, 1000))]
        return next(wish for wish in wishes if wish not in self.taken and wish not in used)


def _describe(node: Array, known: dict[Array, str]) -> str:
    """Words for a node: ``S_inv``, ``x_minus_mu``, ``exp_z``; nothing when there are none."""
    if node in known:
        return known[node]
    parts = [_describe(arg, known) for arg in node.args]
    if not all(parts):
        return ""
    match node.op:
        case "name":
            return str(node.value)
        case "number" if node.value in NUMBER_WORDS:
            return NUMBER_WORDS[node.value]
        case "transpose":
            return f"{parts[0]}_T"
        case "expand":
            return parts[0]
        case "inverse":
            return f"{parts[0]}_inv"
        case "solve":
            return f"{parts[0].removesuffix('_T')}_inv_{parts[1]}"
        case "compare":
            return f"{parts[0]}_{COMPARISON_WORDS[node.value]}_{parts[1]}"
        case "function":
            return f"{node.value}_{'_'.join(parts)}"
        case "amax" | "amin":
            return f"{node.op[1:]}_{parts[0]}"
        case "pinv":
            return f"{parts[0]}_pinv"
        case "deviations":
            return f"{parts[0]}_centred"
        case op if op in NAMED:
            return f"{node.op}_{parts[0]}"
        case "matmul" | "outer":
            return "_".join(parts)
        case "add":
            return _describe_sum(node, parts)
        case "multiply":
            return _describe_product(node, parts)
    return ""


def _describe_sum(node: Array, parts: list[str]) -> str:
    (first, second), *more = [tuple(node.value[:2])] if len(parts) == 2 else [(0, 0)]
    if more or abs(first) != 1 or abs(second) != 1:
        return ""
    if first < 0:
        parts, first, second = parts[::-1], second, first
    return "" if first < 0 else f"{parts[0]}_{'plus' if second > 0 else 'minus'}_{parts[1]}"


def _describe_product(node: Array, parts: list[str]) -> str:
    coefficient, powers = node.value
    if coefficient == 1 and len(parts) == 1:
        return {2: f"{parts[0]}_squared", -1: f"inverse_{parts[0]}"}.get(powers[0], "")
    if coefficient == 1 and all(power == 1 for power in powers):
        return "_times_".join(parts)
    if coefficient == -1 and len(parts) == 1 and powers[0] == 1:
        return f"minus_{parts[0]}"
    return ""
