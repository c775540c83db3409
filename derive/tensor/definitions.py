"""Functions of the language by what they are in simpler tensors.

:data:`WHOLE` has the functions of whole arrays, :data:`ALONG_ROWS` those of each row; everything
else works entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from derive.tensor.algebra import (
    add,
    apply,
    contract,
    invoke,
    multiply,
    number,
    ones,
    scale,
    size_of,
    zero,
)
from derive.tensor.nodes import Delta, Tensor
from derive.tensor.recognition import recognise

__all__ = ["ALONG_COLUMNS", "ALONG_ROWS", "WHOLE", "inverted", "total_product"]

HALF = Fraction(1, 2)


def inverted(tensor: Tensor) -> Tensor:
    if not tensor.order:
        return contract(1, [(tensor, (), Fraction(-1))])
    return invoke("inverse", [tensor], tensor.shape)


def _sum(tensor: Tensor) -> Tensor:
    return contract(1, [(tensor, tuple(range(tensor.order)))])


def _count(tensor: Tensor) -> Tensor:
    return contract(1, [(size_of(dim), ()) for dim in tensor.shape])


def _over(tensor: Tensor, count: Tensor) -> Tensor:
    axes = tuple(range(tensor.order))
    return contract(
        1, [(tensor, axes), (count, (), Fraction(-1))], axes, dict(enumerate(tensor.shape))
    )


def _mean(tensor: Tensor) -> Tensor:
    return _over(_sum(tensor), _count(tensor))


def _map(name: str, tensor: Tensor) -> Tensor:
    return recognise(apply(name, [(tensor, tuple(range(tensor.order)))], tensor.shape))


def _minus(left: Tensor, right: Tensor) -> Tensor:
    return add([left, scale(-1, right)], left.shape)


def _entrywise_square(tensor: Tensor) -> Tensor:
    axes = tuple(range(tensor.order))
    return contract(1, [(tensor, axes, Fraction(2))], axes)


def _squares(tensor: Tensor) -> Tensor:
    return contract(1, [(tensor, tuple(range(tensor.order)), Fraction(2))])


def _norm(tensor: Tensor) -> Tensor:
    return contract(1, [(_squares(tensor), (), HALF)])


def total_product(left: Tensor, right: Tensor) -> Tensor:
    axes = tuple(range(left.order))
    return contract(1, [(left, axes), (right, axes)])


def _outer(left: Tensor, right: Tensor) -> Tensor:
    letters = (tuple(range(left.order)), tuple(range(left.order, left.order + right.order)))
    return contract(1, [(left, letters[0]), (right, letters[1])], letters[0] + letters[1])


def _cross_entropy(p: Tensor, y: Tensor) -> Tensor:
    return scale(-1, total_product(y, _map("log", p)))


def _bce(p: Tensor, y: Tensor) -> Tensor:
    one = ones(p.shape)
    hit = multiply(y, _map("log", p))
    miss = multiply(_minus(one, y), _map("log", _minus(one, p)))
    return scale(-1, _mean(add([hit, miss], p.shape)))


def _bce_with_logits(z: Tensor, y: Tensor) -> Tensor:
    return _mean(_minus(_map("softplus", z), multiply(y, z)))


def _hinge(z: Tensor, y: Tensor) -> Tensor:
    return _mean(_map("relu", _minus(ones(z.shape), multiply(y, z))))


def _huber(r: Tensor, delta: Tensor) -> Tensor:
    axes = tuple(range(r.order))
    return _sum(apply("huber", [(r, axes), (delta, ())], r.shape))


def _kl(p: Tensor, q: Tensor) -> Tensor:
    axes = tuple(range(p.order))
    ratio = contract(1, [(p, axes), (q, axes, Fraction(-1))], axes, dict(enumerate(p.shape)))
    return total_product(p, _map("log", ratio))


def _sum_last(tensor: Tensor) -> Tensor:
    axes = tuple(range(tensor.order))
    return contract(1, [(tensor, axes)], axes[:-1])


def _mean_last(tensor: Tensor) -> Tensor:
    return _over(_sum_last(tensor), size_of(tensor.shape[-1]))


def _itself(tensor: Tensor) -> Tensor:
    return tensor


def _over_last(name: str, tensor: Tensor) -> Tensor:
    """A function along the last axis that keeps it; of a single entry it is constant."""
    return invoke(name, [tensor], tensor.shape)


def _softmax(tensor: Tensor) -> Tensor:
    return _over_last("softmax", tensor) if tensor.order else number(1)


def _log_softmax(tensor: Tensor) -> Tensor:
    return _over_last("log_softmax", tensor) if tensor.order else number(0)


def _logsumexp(tensor: Tensor) -> Tensor:
    return invoke("logsumexp", [tensor], tensor.shape[:-1]) if tensor.order else tensor


def _logdet(tensor: Tensor) -> Tensor:
    return invoke("logdet", [tensor], ()) if tensor.order else _map("log", tensor)


def _softmax_cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    return scale(-1, total_product(y, _log_softmax(z)))


WHOLE: Final[Mapping[str, Callable[..., Tensor]]] = {
    "sum": _sum,
    "mean": _mean,
    "tr": _itself,
    "det": _itself,
    "dot": total_product,
    "norm2": _norm,
    "norm1": lambda x: _sum(_map("abs", x)),
    "logsumexp": _logsumexp,
    "logdet": _logdet,
    "inv": inverted,
    "diag": lambda v: (
        contract(1, [(v, (0,)), (Delta(v.shape[0]), (0, 1))], (0, 1)) if v.order else v
    ),
    "diagonal": lambda a: contract(1, [(a, (0, 0))], (0,)) if a.order else a,
    "outer": _outer,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "sse": _squares,
    "huber": _huber,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "nll": lambda logp, y: scale(-1, total_product(y, logp)),
    "kl": _kl,
    "mse": lambda a, y: _mean(_entrywise_square(_minus(a, y))),
    "mae": lambda a, y: _mean(_map("abs", _minus(a, y))),
    "bce": _bce,
    "bce_with_logits": _bce_with_logits,
    "hinge": _hinge,
}
"""Functions of whole arrays, by what they are in simpler tensors."""

ALONG_ROWS: Final[Mapping[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]]] = {
    "rowsum": (_sum_last, _itself),
    "rowmean": (_mean_last, _itself),
    "rowsoftmax": (_softmax, lambda a: ones(a.shape)),
    "rowlog_softmax": (_log_softmax, lambda a: zero(a.shape)),
    "rowlogsumexp": (_logsumexp, _itself),
}
"""Functions of each row: of rows with several entries, and of rows with one."""

ALONG_COLUMNS: Final[Mapping[str, str]] = {"colsum": "rowsum", "colmean": "rowmean"}
"""Functions of each column, as functions of the rows of the transpose."""
