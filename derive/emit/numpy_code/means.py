"""Differences from a weighted mean, which lose their digits where one weight is almost 1.

What softmax sends back is ``p .* (g - p'g)``. Where one entry of p is almost 1, its entry of g is
almost the mean. ``centred(g, p)`` is ``g - p'g`` along the last axis, computed from differences of
entries of g. ``deviations(x)`` is ``x - mean(x)`` along the last axis, likewise.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from derive.emit.numpy_code.matching import argument_of, axes_of, opened
from derive.tensor.algebra import (
    add,
    as_contraction,
    contract,
    scale,
    size_of,
    terms_of,
)
from derive.tensor.nodes import Call, Contraction, Factor, Sum, Tensor

__all__ = ["with_centred", "with_deviations"]


def with_centred(tensor: Sum) -> Tensor:
    """The sum, with arrays minus their means with the weights of a softmax put together."""
    if not tensor.order:
        return tensor
    for place, term in enumerate(tensor.terms):
        factors = opened(term)
        if tensor.order - 1 in term.letters:
            continue
        for weights in _weights(factors, term.order):
            own = terms_of(_averaged(factors, weights, term.coefficient, tensor))
            others = [t for k, t in enumerate(tensor.terms) if k != place]
            if all(part in others for part in own):
                array = add(own, tensor.shape)
                rest = [t for t in others if t not in own]
                return add(
                    [Call("centred", (array, weights[0]), tensor.shape), *rest], tensor.shape
                )
    return tensor


def with_deviations(tensor: Sum) -> Tensor:
    """The sum, with arrays minus their means along one axis put together."""
    for place, term in enumerate(tensor.terms):
        for axis in range(tensor.order):
            array = _of_mean(term, axis, tensor)
            if array is None:
                continue
            own = terms_of(array)
            others = [t for k, t in enumerate(tensor.terms) if k != place]
            if all(part in others for part in own):
                rest = [t for t in others if t not in own]
                return add([_deviations(array, axis), *rest], tensor.shape)
    return tensor


def _deviations(tensor: Tensor, axis: int) -> Tensor:
    """Minus its mean along an axis; the deviations of a multiple are a multiple."""
    factor = as_contraction(tensor).coefficient
    inner = scale(1 / factor, tensor)
    axes = axes_of(tensor)
    last = (*(x for x in axes if x != axis), axis)
    turned = contract(1, [(inner, axes)], last)
    whole = Call("deviations", (turned,), turned.shape)
    return contract(factor, [(whole, last)], axes)


def _of_mean(term: Contraction, axis: int, like: Tensor) -> Tensor | None:
    """x, if a term is minus the mean of x along an axis."""
    if axis in term.letters:
        return None
    factors = opened(term)
    size = size_of(like.shape[axis])
    counts = [f for f in factors if f[0] is size and f[2] == -1]
    rest = [f for f in factors if f not in counts[:1]]
    coefficient = -term.coefficient
    if like.shape[axis].is_Integer:
        coefficient *= int(like.shape[axis])
    elif not counts:
        return None
    summed = {x for _, letters, _ in rest for x in letters if x >= term.order}
    if len(summed) != 1:
        return None
    (letter,) = summed
    moved = [
        (tensor, tuple(axis if x == letter else x for x in letters), power)
        for tensor, letters, power in rest
    ]
    return contract(coefficient, moved, axes_of(like), dict(enumerate(like.shape)))


def _weights(factors: list[Factor], order: int) -> Iterator[Factor]:
    """The softmaxes whose last axis is summed, and whose other axes are those of the result."""
    leading = tuple(range(order - 1))
    for factor in factors:
        tensor, letters, power = factor
        summed = letters[:-1] == leading and letters[-1:] >= (order,)
        if summed and power == 1 and argument_of(tensor, "softmax") is not None:
            yield factor


def _averaged(
    factors: list[Factor], weights: Factor, coefficient: Fraction, like: Tensor
) -> Tensor:
    """g, if a term is minus the mean of g with some weights."""
    letter, last = weights[1][-1], like.order - 1
    rest = [
        (tensor, tuple(last if x == letter else x for x in letters), power)
        for tensor, letters, power in factors
        if (tensor, letters, power) != weights
    ]
    return contract(-coefficient, rest, axes_of(like), dict(enumerate(like.shape)))
