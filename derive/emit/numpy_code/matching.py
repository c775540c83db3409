"""Looking at a formula through the names in it: what functions are applied to, and where.

Used by the modules that write formulas stably (:mod:`derive.emit.numpy_code.stable`).
"""

from __future__ import annotations

from collections.abc import Sequence

from derive.tensor.algebra import ONE, apply, contract, terms_of
from derive.tensor.nodes import Call, Contraction, Factor, Letters, Map, Tensor, Variable

__all__ = [
    "argument_of",
    "axes_of",
    "called",
    "is_zero",
    "mapped",
    "opened",
    "spread",
    "terms_in",
    "times",
    "value_of",
]


def value_of(tensor: Tensor) -> Tensor:
    """What a name stands for; anything else is itself."""
    while isinstance(tensor, Variable) and tensor.value is not None:
        tensor = tensor.value
    return tensor


def argument_of(tensor: Tensor, function: str) -> Tensor | None:
    """What a function of one array is applied to, if the tensor is that function of it."""
    value = value_of(tensor)
    if isinstance(value, Map) and value.function == function and len(value.args) == 1:
        return value.args[0][0]
    if isinstance(value, Call) and value.function == function and len(value.args) == 1:
        return value.args[0]
    return None


def axes_of(tensor: Tensor) -> Letters:
    """The axes of a tensor, in order."""
    return tuple(range(tensor.order))


def mapped(function: str, *args: Tensor) -> Tensor:
    """A function of arrays of one shape, and of scalars, entry by entry."""
    widest = max(args, key=lambda arg: arg.order)
    return apply(function, [(arg, axes_of(arg)) for arg in args], widest.shape)


def called(function: str, *args: Tensor) -> Tensor:
    """A function along the last axis of its first argument that keeps the shape."""
    return Call(function, args, args[0].shape)


def spread(tensor: Tensor, letters: Letters, like: Tensor) -> Tensor:
    """A tensor along some axes of another one, repeated along the others."""
    return contract(1, [(tensor, letters)], axes_of(like), dict(enumerate(like.shape)))


def times(like: Tensor, *factors: tuple[Tensor, Letters]) -> Tensor:
    """The entrywise product of tensors along axes of another one."""
    items = [(tensor, letters, ONE) for tensor, letters in factors]
    return contract(1, items, axes_of(like), dict(enumerate(like.shape)))


def is_zero(tensor: Tensor) -> bool:
    """Whether a tensor is written as zero."""
    return isinstance(tensor, Contraction) and tensor.coefficient == 0


def terms_in(tensors: Sequence[Tensor]) -> int:
    """How many terms some sums have together."""
    return sum(len(terms_of(tensor)) for tensor in tensors if not is_zero(tensor))


def opened(term: Contraction) -> list[Factor]:
    """The factors of a product, those of numbers that are sums of products included."""
    factors: list[Factor] = []
    fresh = 1 + max(term.dims, default=term.order)
    for factor, letters, power in term.factors:
        if isinstance(factor, Contraction) and not factor.order and power == 1:
            for inner, along, degree in factor.factors:
                factors.append((inner, tuple(x + fresh for x in along), degree))
            fresh += 1 + max(factor.dims, default=0)
        else:
            factors.append((factor, letters, power))
    return factors
