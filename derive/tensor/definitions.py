"""Functions of the language by what they are in simpler tensors.

:data:`WHOLE` has the functions of whole arrays, :data:`ALONG_ROWS` those of each row; everything
else works entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from derive.tensor import incidence
from derive.tensor.algebra import (
    add,
    apply,
    contract,
    invoke,
    multiply,
    number,
    ones,
    relabel,
    scale,
    size_of,
    zero,
)
from derive.tensor.nodes import Call, Constant, Contraction, Delta, Map, Tensor, Variable
from derive.tensor.recognition import recognise

__all__ = [
    "ALONG_COLUMNS",
    "ALONG_ROWS",
    "IN_LAWS",
    "NORMALISING",
    "PARAMETERS",
    "WHOLE",
    "inverted",
    "single",
    "total_product",
]

HALF = Fraction(1, 2)

DISCRETE: Final = frozenset({"integer", "onehot", "signs"})
"""Facts of variables that can be 0, or whose sums can, without being chosen so."""

ANALYTIC: Final = frozenset(
    "exp log sin cos tan asin acos atan sinh cosh tanh erf sigmoid softplus".split()
)
"""Functions of an entry that are 0 at single points at most."""

REGULAR: Final = frozenset({"inverse", "det", "expm", "cholesky", "softmax", "logsumexp", "prod"})
"""Functions of arrays that are 0 at single points at most, however many entries there are."""


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


def _reduced(name: str, tensor: Tensor) -> Tensor:
    """A reduction over all entries; of a single one it is that entry."""
    return invoke(name, [tensor], ()) if tensor.order else tensor


def _reduced_last(name: str, tensor: Tensor) -> Tensor:
    return invoke(name, [tensor], tensor.shape[:-1])


def _variance(tensor: Tensor) -> Tensor:
    return invoke("var", [tensor], ()) if tensor.order else zero()


def _pseudoinverse(tensor: Tensor) -> Tensor:
    value = tensor.value if isinstance(tensor, Variable) else tensor
    if isinstance(value, Contraction) and value.coefficient == 0:
        return zero(tensor.shape[::-1])
    if tensor.order > 1:
        return recognise(invoke("pinv", [tensor], tensor.shape[::-1]))
    squares = _squares(tensor)
    if not _is_generic(tensor):
        is_zero = apply("le", [(squares, ()), (zero(), ())], ())
        return _over(tensor, add([squares, is_zero], ()))
    return _over(tensor, squares) if tensor.order else inverted(tensor)


def _is_generic(tensor: Tensor) -> bool:
    """Whether it is surely 0 at no sizes and only at special values of its variables."""
    if isinstance(tensor, Variable):
        given = not tensor.facts & DISCRETE
        return given if tensor.value is None else _is_generic(tensor.value)
    if isinstance(tensor, Contraction):
        return tensor.coefficient != 0 and all(_is_generic(f) for f, _, _ in tensor.factors)
    if isinstance(tensor, Map):
        return tensor.function in ANALYTIC and all(_is_generic(t) for t, _ in tensor.args)
    if isinstance(tensor, Call):
        return tensor.function in REGULAR and all(map(_is_generic, tensor.args))
    return isinstance(tensor, Constant)


def _exponential(tensor: Tensor) -> Tensor:
    return invoke("expm", [tensor], tensor.shape) if tensor.order else _map("exp", tensor)


def _exponential_along(tensor: Tensor, direction: Tensor) -> Tensor:
    if not tensor.order:
        return multiply(_map("exp", tensor), direction)
    return recognise(invoke("expm_frechet", [tensor, direction], tensor.shape))


def _cholesky(tensor: Tensor) -> Tensor:
    if not tensor.order:
        return contract(1, [(tensor, (), HALF)])
    return recognise(invoke("cholesky", [tensor], tensor.shape))


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
    "prod": lambda a: _reduced("prod", a),
    "amax": lambda a: _reduced("amax", a),
    "amin": lambda a: _reduced("amin", a),
    "norminf": lambda a: _reduced("amax", _map("abs", a)),
    "var": _variance,
    "pinv": _pseudoinverse,
    "expm": _exponential,
    "expm_frechet": _exponential_along,
    "cholesky": _cholesky,
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
    "rowmax": (lambda a: _reduced_last("amax", a), _itself),
    "rowmin": (lambda a: _reduced_last("amin", a), _itself),
    "rowvar": (lambda a: _reduced_last("var", a), lambda a: zero(a.shape)),
}
"""Functions of each row: of rows with several entries, and of rows with one."""

ALONG_COLUMNS: Final[Mapping[str, str]] = {
    name.replace("row", "col"): name for name in ("rowsum", "rowmean", "rowmax", "rowmin", "rowvar")
}
"""Functions of each column, as functions of the rows of the transpose."""

NORMALISING: Final[Mapping[str, tuple[str, int, int]]] = {
    "layernorm": ("layernorm", 0, 0),
    "rowlayernorm": ("layernorm", 1, 1),
    "batchnorm": ("layernorm", 0, 1),
    "rmsnorm": ("rmsnorm", 0, 0),
    "rowrmsnorm": ("rmsnorm", 1, 1),
}
"""Normalising layers: the function, along which axis it normalises, and along which one the
parameters lie (0: down the rows, 1: across the columns)."""

PARAMETERS: Final[Mapping[str, tuple[Tensor, ...]]] = {
    "layernorm": (number(1), number(0), number(Fraction(1, 100000))),
    "rmsnorm": (number(1), number(Fraction(1, 100000))),
}
"""What stands for gamma, beta and epsilon where they are left out."""


def single(function: str, tensor: Tensor, epsilon: Tensor) -> Tensor:
    """A normalising layer along an axis of size 1: ``x - mean(x)`` is 0 there."""
    if function == "layernorm":
        return zero(tensor.shape)
    axes = tuple(range(tensor.order))
    below = add([_entrywise_square(tensor), relabel(epsilon, (), tensor.shape)], tensor.shape)
    return contract(1, [(tensor, axes), (below, axes, -HALF)], axes, dict(enumerate(tensor.shape)))


def attained(tensor: Tensor, value: Tensor, relation: str) -> Tensor:
    """1 at the entries that attain their maximum or minimum, divided by how many do."""
    axes, leading = tuple(range(tensor.order)), tuple(range(value.order))
    where = apply(relation, [(tensor, axes), (value, leading)], tensor.shape)
    count = contract(1, [(where, axes)], leading)
    return contract(1, [(where, axes), (count, leading, Fraction(-1))], axes)


def centred(tensor: Tensor, value: Tensor) -> Tensor:
    """The tensor minus its mean over the axes that ``value`` lacks."""
    axes, leading = tuple(range(tensor.order)), tuple(range(value.order))
    total = contract(1, [(tensor, axes)], leading)
    count = contract(1, [(size_of(dim), ()) for dim in tensor.shape[value.order :]])
    mean = contract(1, [(total, leading), (count, (), Fraction(-1))], leading)
    return add([tensor, scale(-1, relabel(mean, leading, tensor.shape))], tensor.shape)


def count_of(tensor: Tensor, value: Tensor) -> Tensor:
    """How many entries are reduced to one."""
    return contract(1, [(size_of(dim), ()) for dim in tensor.shape[value.order :]])


def length_of(tensor: Tensor) -> Tensor:
    """The size of the last axis."""
    return size_of(tensor.shape[-1])


def deviation(tensor: Tensor, epsilon: Tensor) -> Tensor:
    """``sqrt(var(x) + epsilon)`` along the last axis."""
    variance = invoke("var", [tensor], tensor.shape[:-1])
    axes = tuple(range(variance.order))
    inner = add([variance, relabel(epsilon, (), variance.shape)], variance.shape)
    return contract(1, [(inner, axes, HALF)], axes)


def root_mean_square(tensor: Tensor, epsilon: Tensor) -> Tensor:
    """``sqrt(mean(x.^2) + epsilon)`` along the last axis."""
    mean = _mean_last(_entrywise_square(tensor))
    axes = tuple(range(mean.order))
    inner = add([mean, relabel(epsilon, (), mean.shape)], mean.shape)
    return contract(1, [(inner, axes, HALF)], axes)


def half_lower(tensor: Tensor) -> Tensor:
    """1 below the diagonal, 1/2 on it, 0 above."""
    rows, columns = tensor.shape
    halved = contract(-HALF, [(Delta(rows), (0, 1))], (0, 1))
    return add([incidence.lower(rows, columns), halved], tensor.shape)


IN_LAWS: Final[Mapping[str, Callable[..., Tensor]]] = {
    "largest": lambda x, y: attained(x, y, "ge"),
    "smallest": lambda x, y: attained(x, y, "le"),
    "centred": centred,
    "count": count_of,
    "length": length_of,
    "deviation": deviation,
    "root_mean_square": root_mean_square,
    "half_lower": half_lower,
}
"""What the laws of :mod:`derive.calculus.rules` call by a name of its own."""
