"""Functions of whole arrays as NumPy expressions: those that are more than one node, or fewer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from derive.emit.numpy_code.arrays import Array
from derive.emit.numpy_code.placement import start_of
from derive.shapes import times
from derive.tensor.algebra import ONE, transpose
from derive.tensor.definitions import deviation, root_mean_square
from derive.tensor.incidence import offset_of
from derive.tensor.nodes import Call, Contraction, Letters, Tensor

if TYPE_CHECKING:
    from derive.emit.numpy_code.lowering import TensorLowering

__all__ = ["CALLS", "moved"]


def _inverse(low: TensorLowering, tensor: Call) -> Array:
    node = low.arrays.make("inverse", (low.array(tensor.args[0]),), tensor.shape)
    low.inverses[node] = tensor
    return node


def _log_softmax(low: TensorLowering, tensor: Call) -> Array:
    node = low.arrays.make("log_softmax", (low.array(tensor.args[0]),), tensor.shape)
    low.log_softmaxes[node] = tensor.args[0]
    return node


def _softmax(low: TensorLowering, tensor: Call) -> Array:
    (argument,) = tensor.args
    if argument in low.exponents:
        logarithm, _ = low.lean(Call("log_softmax", tensor.args, tensor.shape))
        return low.arrays.function("exp", [logarithm], tensor.shape)
    return low.arrays.make("softmax", (low.array(argument),), tensor.shape)


def _unit(low: TensorLowering, tensor: Call) -> Array:
    (argument,) = tensor.args
    norm, along = low.norm(argument, tensor.function == "row_unit")
    below = low.arrays.expand(norm) if along else norm
    items = [(low.array(argument), ONE), (below, -ONE)]
    return low.arrays.multiply(ONE, items, tensor.shape)


def _centred(low: TensorLowering, tensor: Call) -> Array:
    argument, weights = tensor.args
    lean, kept = low.lean(argument)
    is_last = kept and kept == tuple(range(tensor.order - len(kept), tensor.order))
    array = lean if is_last else low.array(argument)
    return low.arrays.make("centred", (array, low.array(weights)), tensor.shape)


def _reduced(low: TensorLowering, tensor: Call) -> Array:
    """A reduction over the last axes."""
    array = low.array(tensor.args[0])
    turned = array.op == "transpose"
    array = array.args[0] if turned else array
    axes = tuple(range(tensor.order, array.order))
    if turned:
        axes = tuple(array.order - 1 - axis for axis in reversed(axes))
    axis = None if not tensor.order else axes[0] if len(axes) == 1 else axes
    return low.arrays.make(tensor.function, (array,), tensor.shape, axis)


def _variance(low: TensorLowering, tensor: Call) -> Array:
    """The variance; the mean of squares, where what is squared is used elsewhere too."""
    (argument,) = tensor.args
    if argument not in low.deviating or tensor.order != argument.order - 1:
        return _reduced(low, tensor)
    array, turned = _deviations(low, argument)
    square = low.arrays.multiply(ONE, [(array, Fraction(2))], array.shape)
    axis = None if array.order == 1 else 0 if turned else array.order - 1
    return low.arrays.make("mean", (square,), tensor.shape, axis)


def _deviations(low: TensorLowering, tensor: Tensor) -> tuple[Array, bool]:
    """A tensor minus its mean along the last axis, or the transpose of that."""
    array = low.array(tensor)
    turned = array.op == "transpose"
    array = array.args[0] if turned else array
    axis = None if array.order == 1 else 0 if turned else array.order - 1
    return low.arrays.make("deviations", (array,), array.shape, axis), turned


def _deviating(low: TensorLowering, tensor: Call) -> Array:
    array, turned = _deviations(low, tensor.args[0])
    return low.arrays.transpose(array) if turned else array


def _normalised(low: TensorLowering, tensor: Call) -> Array:
    """A normalising layer: its numerator over its scale."""
    argument, epsilon = tensor.args
    if tensor.function == "layernorm":
        array, turned = _deviations(low, argument)
        scale = deviation(argument, epsilon)
    else:
        array = low.array(argument)
        turned = array.op == "transpose"
        array = array.args[0] if turned else array
        scale = root_mean_square(argument, epsilon)
    below, kept = low.lean(scale)
    below = low.array(scale) if 0 < len(kept) < scale.order else below
    below = low.arrays.expand(below) if below.order and not turned else below
    node = low.arrays.multiply(ONE, [(array, ONE), (below, -ONE)], array.shape)
    return low.arrays.transpose(node) if turned else node


def _triangle(low: TensorLowering, tensor: Call) -> Array:
    array = low.array(tensor.args[0])
    if array.op != "transpose":
        return low.arrays.make(tensor.function, (array,), tensor.shape)
    other = "triu" if tensor.function == "tril" else "tril"
    return low.arrays.transpose(low.arrays.make(other, array.args, array.args[0].shape))


def _lower(low: TensorLowering, tensor: Call) -> Array:
    return low.arrays.make("tri", (), tensor.shape)


def _select(low: TensorLowering, tensor: Call) -> Array:
    return low.arrays.make("eye_at", (), tensor.shape, offset_of(tensor))


def _pair(low: TensorLowering, tensor: Call) -> Array:
    return low.arrays.reshape(low.arrays.eye(tensor.shape[0]), tensor.shape)


def moved(low: TensorLowering, tensor: Call, name: str, axis: int) -> Array:
    """A block of an array, an array with zeros around it, an array in another shape."""
    if name == "joined":
        args = [low.array(part) for part in tensor.args]
        if all(arg.op == "transpose" for arg in args):
            inner = [arg.args[0] for arg in args]
            node = low.arrays.make("joined", inner, tensor.shape[::-1], 1 - axis)
            return low.arrays.transpose(node)
        return low.arrays.make("joined", args, tensor.shape, axis)
    if name == "merged":
        return _merged(low, tensor)
    array = low.array(tensor.args[0])
    if name in ("block", "entry"):
        start = start_of(tensor)
        bounds = start if name == "entry" else (start, start + tensor.shape[axis])
        return low.arrays.block(array, axis, bounds)
    if name in ("placed", "put"):
        start = start_of(tensor)
        bounds = start if name == "put" else (start, start + array.shape[axis])
        lean, kept = low.lean(tensor.args[0])
        array = array if kept else lean
        return low.arrays.placed(array, axis, bounds, tensor.shape)
    if name == "split":
        return low.arrays.reshape(array, tensor.shape)
    return low.arrays.make(name, (array,), tensor.shape, axis)


def _merged(low: TensorLowering, tensor: Call) -> Array:
    """Axes made one; two matrices side by side are a Kronecker product then."""
    inner: Tensor = tensor
    while isinstance(inner, Call) and inner.function.startswith("merged_"):
        inner = inner.args[0]
    assert isinstance(tensor, Call)
    sides = _sides(inner, tensor.function if inner is tensor.args[0] else "")
    if sides is None:
        return low.arrays.reshape(low.array(inner), tensor.shape)
    assert isinstance(inner, Contraction)
    scalars = [low.scalar(t, power) for t, letters, power in inner.factors if not letters]
    args = [
        low.arrays.expand(low.array(side)) if is_column else low.array(side)
        for side, is_column in sides
    ]
    flat = inner.order == 4 and tensor.order == 1
    shape = (times(*inner.shape[:2]), times(*inner.shape[2:])) if flat else tensor.shape
    node = low.arrays.make("kron", args, shape)
    whole = low.arrays.multiply(inner.coefficient, [*scalars, (node, ONE)], shape)
    return low.arrays.reshape(whole, tensor.shape) if flat else whole


CALLS: Final[Mapping[str, Callable[[TensorLowering, Call], Array]]] = {
    "inverse": _inverse,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "unit": _unit,
    "row_unit": _unit,
    "centred": _centred,
    "amax": _reduced,
    "amin": _reduced,
    "prod": _reduced,
    "var": _variance,
    "deviations": _deviating,
    "layernorm": _normalised,
    "rmsnorm": _normalised,
    "tril": _triangle,
    "triu": _triangle,
    "lower": _lower,
    "select": _select,
    "pair": _pair,
}
"""Functions that are more than one node, or fewer."""

KRONECKER: Final[Mapping[str, tuple[tuple[Letters, Letters, bool], ...]]] = {
    "": (((0, 2), (1, 3), False),),
    "merged_0": (((0,), (1,), False), ((0, 2), (1,), True), ((0,), (1, 2), True)),
    "merged_1": (((0, 1), (2,), False), ((1,), (0, 2), False)),
}
"""Axes of two arrays whose outer product is a Kronecker product once axes are merged, and whether
a vector among them is a column beside a matrix."""


def _sides(tensor: Tensor, merged: str) -> tuple[tuple[Tensor, bool], ...] | None:
    """The arrays of a Kronecker product, each with whether it is a column."""
    if not isinstance(tensor, Contraction) or tensor.summed:
        return None
    places: dict[Letters, Tensor] = {}
    for factor, letters, power in tensor.factors:
        if letters and power == 1:
            places[letters] = factor
            places.setdefault(letters[::-1], transpose(factor))
        elif letters:
            return None
    if len({letter for letters in places for letter in letters}) < tensor.order:
        return None
    count = sum(bool(letters) for _, letters, _ in tensor.factors)
    for left, right, column in KRONECKER.get(merged, ()) if count == 2 else ():
        if left in places and right in places and len(left) + len(right) == tensor.order:
            both = (left, right)
            return tuple((places[letters], column and len(letters) == 1) for letters in both)
    return None
