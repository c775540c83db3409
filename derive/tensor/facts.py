"""Facts at work: declared properties used as equations that make an expression shorter.

==============  =============================================================================
symmetric       A[j,i] = A[i,j]; also of inverses, sums and products that are their own transpose
orthogonal      sum_k Q[k,i] Q[k,j] = delta[i,j]
probability     sum_i y[i] = 1; for a matrix, along each row; softmax is one
onehot          y[i]^2 = y[i]
signs           y[i]^2 = 1
diagonal        D[i,i] delta[i,j] = D[i,j]; the inverse of a diagonal matrix is one
positive        abs(x) = x, sign(x) = 1
nonnegative     abs(x) = x
lower_triangular  L[i,j] lower[i,j] = L[i,j]; cholesky(A) is one
inverse_pair    sum_k inverse(X)[i,k] X[k,j] = delta[i,j], a law and no fact
even            s*(1 - s) with s = sigmoid(y .* t) has t alone, since it is even and y is 1 or -1
penrose         A pinv(A) A = A, and its like with the projectors A pinv(A) and pinv(A) A
cholesky        sum_k L[i,k] L[j,k] = A[i,j] for L = cholesky(A), a law and no fact
centred         sum_i r[i] = 0 for r = x - mean(x) and what is linear in it, a law and no fact
==============  =============================================================================

:func:`apply_facts` returns the shorter expression together with what it used, so that a derivation
can say why. Nothing else in the core reads a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final
from weakref import WeakKeyDictionary

from derive.tensor.algebra import (
    ONE,
    SYMMETRIC,
    add,
    apply,
    as_contraction,
    contract,
    invoke,
    ones,
    scale,
    terms_of,
    transpose,
    zero,
)
from derive.tensor.nodes import (
    Call,
    Contraction,
    Delta,
    Factor,
    Map,
    Sum,
    Tensor,
    Variable,
)
from derive.tensor.recognition import recognise
from derive.tensor.rewriting import from_inside
from derive.tensor.substitution import substitute, variables_of

__all__ = ["VARIED", "Reason", "apply_facts", "has_fact", "is_symmetric"]

MOST_ORIENTATIONS: Final = 6
SHORT: Final = 12
"""A sum of no more symbols than this is looked at with the values of its names, too."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one expression equals another.

    Attributes:
        law: Name of the fact or law, a key of the emitters' tables of reasons.
        subjects: The tensors it was used of.
    """

    law: str
    subjects: tuple[Tensor, ...] = ()


def _defining(variable: Variable) -> Tensor | None:
    """The value of a name, if what holds of that holds of the name."""
    return None if VARIED in variable.facts else variable.value


def has_fact(tensor: Tensor, fact: str) -> bool:
    """Whether a fact holds of a tensor, by declaration or by what it is."""
    if fact == "symmetric":
        return is_symmetric(tensor)
    if isinstance(tensor, Variable):
        if fact in tensor.facts or any(fact in IMPLIED.get(f, ()) for f in tensor.facts):
            return True
        value = _defining(tensor)
        return value is not None and has_fact(value, fact)
    if isinstance(tensor, Contraction) and fact == "nonnegative":
        return tensor.coefficient >= 0 and all(
            power % 2 == 0 or has_fact(factor, fact) for factor, _, power in tensor.factors
        )
    if isinstance(tensor, Call) and tensor.function == "inverse":
        return fact in ("diagonal", "lower_triangular") and has_fact(tensor.args[0], fact)
    if isinstance(tensor, Call) and fact == "lower_triangular":
        return tensor.function in ("cholesky", "lower")
    if isinstance(tensor, Call) and tensor.function == "softmax":
        return fact in ("probability", "nonnegative", "positive")
    return isinstance(tensor, Map) and fact in SIGNS_OF_VALUES.get(tensor.function, ())


VARIED: Final = "varied"
"""Of a variable by which a gradient is differentiated again: what its value obeys, it need not."""

IMPLIED: Final = {
    "onehot": ("probability", "nonnegative"),
    "probability": ("nonnegative",),
    "positive": ("nonnegative",),
}

SIGNS_OF_VALUES: Final = {
    "exp": ("positive", "nonnegative"),
    "sigmoid": ("positive", "nonnegative"),
    "softplus": ("positive", "nonnegative"),
    "cosh": ("positive", "nonnegative"),
    "abs": ("nonnegative",),
    "relu": ("nonnegative",),
}

OF_SYMMETRIC: Final = frozenset({"inverse", "expm", "pinv"})
"""Functions that are symmetric where their argument is."""

_symmetric: WeakKeyDictionary[Tensor, bool] = WeakKeyDictionary()


def is_symmetric(tensor: Tensor) -> bool:
    """Whether a tensor of order 2 is its own transpose, by declaration or by its formula."""
    if tensor.order != 2 or tensor.shape[0] != tensor.shape[1]:
        return False
    known = _symmetric.get(tensor)
    if known is None:
        _symmetric[tensor] = False
        known = _symmetric[tensor] = _own_transpose(tensor)
    return known


def _own_transpose(tensor: Tensor) -> bool:
    if isinstance(tensor, Delta):
        return True
    if isinstance(tensor, Variable):
        if tensor.facts & SYMMETRIC:
            return True
        value = _defining(tensor)
        return value is not None and is_symmetric(value)
    if isinstance(tensor, Call):
        return tensor.function in OF_SYMMETRIC and is_symmetric(tensor.args[0])
    if isinstance(tensor, Map) and all(
        len(ls) == 0 or (ls == (0, 1) and is_symmetric(t)) for t, ls in tensor.args
    ):
        return True
    settled, _ = apply_facts(tensor)
    turned, _ = apply_facts(transpose(settled))
    return settled is turned


def apply_facts(tensor: Tensor) -> tuple[Tensor, tuple[Reason, ...]]:
    """The tensor with every fact used that makes it shorter or canonical, and the facts used.

    What has a name is left alone: a variable's value was treated when it was named.
    """
    reasons: dict[Reason, None] = {}
    return _everywhere(tensor, reasons), tuple(reasons)


def _at_top(tensor: Tensor, reasons: dict[Reason, None]) -> Tensor:
    """Use facts at the top of a node until none applies."""
    for _ in range(100):
        found = None
        if isinstance(tensor, Contraction):
            for law, rule in LAWS:
                hit = rule(tensor)
                if hit is not None:
                    found, subject = hit
                    reasons[Reason(law, (subject,))] = None
                    break
        elif isinstance(tensor, Map):
            hit = _sign(tensor)
            if hit is not None:
                found, subject = hit
                law = "nonnegative" if tensor.function == "abs" else "positive"
                reasons[Reason(law, (subject,))] = None
        if found is None:
            break
        tensor = found
    if isinstance(tensor, Contraction):
        return _oriented(tensor, reasons)
    return tensor


_everywhere = from_inside(_at_top)

Hit = tuple[Tensor, Tensor]


def _replaced(node: Contraction, gone: tuple[int, ...], put: list[Factor]) -> Tensor:
    factors = [f for position, f in enumerate(node.factors) if position not in gone]
    axes = tuple(range(node.order))
    return contract(node.coefficient, [*factors, *put], axes, dict(enumerate(node.shape)))


def _elsewhere(node: Contraction, letter: int, *positions: int) -> bool:
    """Whether a letter is free, or stands in other factors than these."""
    return letter < node.order or any(
        letter in f[1] for p, f in enumerate(node.factors) if p not in positions
    )


def _probability(node: Contraction) -> Hit | None:
    for position, (tensor, letters, power) in enumerate(node.factors):
        if power != 1 or not letters or not has_fact(tensor, "probability"):
            continue
        last = letters[-1]
        if last in letters[:-1] or _elsewhere(node, last, position):
            continue
        rest: list[Factor] = [
            (ones((dim,)), (letter,), ONE)
            for letter, dim in zip(letters[:-1], tensor.shape, strict=False)
        ]
        return _replaced(node, (position,), rest), tensor
    return None


def _onehot(node: Contraction) -> Hit | None:
    for position, (tensor, letters, power) in enumerate(node.factors):
        if power.denominator == 1 and power > 1 and has_fact(tensor, "onehot"):
            return _replaced(node, (position,), [(tensor, letters, ONE)]), tensor
    return None


def _signs(node: Contraction) -> Hit | None:
    for position, (tensor, letters, power) in enumerate(node.factors):
        if power.denominator == 1 and power != 1 and has_fact(tensor, "signs"):
            put: list[Factor] = [(tensor, letters, ONE)]
            if power % 2 == 0:
                put = [(ones(tensor.shape), letters, ONE)]
            return _replaced(node, (position,), put), tensor
    return None


def _pairs(node: Contraction) -> Iterator[tuple[int, int, Factor, Factor]]:
    """Pairs of matrices of power 1 that meet in a summed letter."""
    meeting: dict[int, list[int]] = {}
    for place, (_, letters, power) in enumerate(node.factors):
        if len(letters) == 2 and power == 1:
            for letter in set(letters):
                meeting.setdefault(letter, []).append(place)
    for first, left in enumerate(node.factors):
        summed = [x for x in dict.fromkeys(left[1]) if x >= node.order]
        partners = {place for letter in summed for place in meeting.get(letter, ())}
        if first in partners:
            for second in sorted(partners - {first}):
                yield first, second, left, node.factors[second]


def _orthogonal(node: Contraction) -> Hit | None:
    for first, second, left, right in _pairs(node):
        if left[0] is not right[0] or first > second or not has_fact(left[0], "orthogonal"):
            continue
        for axis in (0, 1):
            shared = left[1][axis]
            if shared == right[1][axis] and not _elsewhere(node, shared, first, second):
                ends = (left[1][1 - axis], right[1][1 - axis])
                if shared not in ends:
                    put: list[Factor] = [(Delta(left[0].shape[0]), ends, ONE)]
                    return _replaced(node, (first, second), put), left[0]
    return None


def _inverse(node: Contraction) -> Hit | None:
    for first, second, left, right in _pairs(node):
        inverse = _value(left[0])
        if not isinstance(inverse, Call) or inverse.function != "inverse":
            continue
        if inverse.args[0] is not right[0]:
            continue
        for a, b in ((1, 0), (0, 1)):
            shared = left[1][a]
            if shared == right[1][b] and not _elsewhere(node, shared, first, second):
                ends = (left[1][1 - a], right[1][1 - b])
                if shared not in ends:
                    return _replaced(
                        node, (first, second), [(Delta(left[0].shape[0]), ends, ONE)]
                    ), right[0]
    return None


def _diagonal(node: Contraction) -> Hit | None:
    """A diagonal matrix on the diagonal only is that matrix."""
    for first, (delta, ends, _) in enumerate(node.factors):
        if not isinstance(delta, Delta):
            continue
        for second, (tensor, letters, power) in enumerate(node.factors):
            on_diagonal = len(letters) == 2 and letters[0] == letters[1] == ends[0] and power == 1
            if on_diagonal and has_fact(tensor, "diagonal"):
                return _replaced(node, (first, second), [(tensor, ends, ONE)]), tensor
    return None


def _triangular(node: Contraction) -> Hit | None:
    """A triangular matrix is 0 where the triangle of ones is; on the other side only the diagonal
    is left."""
    for first, (ones_below, ends, _) in enumerate(node.factors):
        if not isinstance(ones_below, Call) or ones_below.function != "lower":
            continue
        for second, (tensor, letters, power) in enumerate(node.factors):
            if first == second or power < 0 or not has_fact(tensor, "lower_triangular"):
                continue
            if letters == ends:
                return _replaced(node, (first,), [(ones(tensor.shape), ends, ONE)]), tensor
            square = tensor.shape[0] == tensor.shape[1]
            if square and letters == ends[::-1] and letters[0] != letters[1]:
                put: list[Factor] = [(Delta(tensor.shape[0]), ends, ONE)]
                return _replaced(node, (first,), put), tensor
    return None


def _cholesky(node: Contraction) -> Hit | None:
    """L L' = A, and inv(L)' inv(L) = inv(A)."""
    for first, second, left, right in _pairs(node):
        if left[0] is not right[0] or first > second:
            continue
        value = _value(left[0])
        inverted = isinstance(value, Call) and value.function == "inverse"
        factor = _value(value.args[0]) if isinstance(value, Call) and inverted else value
        if not isinstance(factor, Call) or factor.function != "cholesky":
            continue
        axis = 0 if inverted else 1
        shared, ends = left[1][axis], (left[1][1 - axis], right[1][1 - axis])
        if shared != right[1][axis] or shared in ends or _elsewhere(node, shared, first, second):
            continue
        whole = factor.args[0]
        if inverted:
            whole = recognise(invoke("inverse", [whole], whole.shape))
        return _replaced(node, (first, second), [(whole, ends, ONE)]), left[0]
    return None


def _even(node: Contraction) -> Hit | None:
    """sigmoid(t)*(1 - sigmoid(t)) is the same for t and -t, so a sign in t goes."""
    for first, (tensor, letters, power) in enumerate(node.factors):
        if not isinstance(tensor, Map) or tensor.function != "sigmoid" or power != 1:
            continue
        rest = add([ones(tensor.shape), scale(-1, tensor)], tensor.shape)
        second = next((p for p, f in enumerate(node.factors) if f == (rest, letters, ONE)), None)
        inner = as_contraction(tensor.args[0][0])
        kept = [f for f in inner.factors if not _is_sign(f, inner)]
        if second is None or (inner.coefficient > 0 and len(kept) == len(inner.factors)):
            continue
        axes, dims = tuple(range(inner.order)), dict(enumerate(inner.shape))
        plain = contract(abs(inner.coefficient), kept, axes, dims)
        named = recognise(apply("sigmoid", [(plain, axes)], tensor.shape))
        other = add([ones(tensor.shape), scale(-1, named)], tensor.shape)
        put: list[Factor] = [(named, letters, ONE), (other, letters, ONE)]
        return _replaced(node, (first, second), put), tensor
    return None


def _is_sign(factor: Factor, node: Contraction) -> bool:
    """Whether a factor multiplies the whole entry by 1 or -1."""
    tensor, letters, power = factor
    return power == 1 and has_fact(tensor, "signs") and all(x < node.order for x in letters)


def _penrose(node: Contraction) -> Hit | None:
    """A projector, A pinv(A) or pinv(A) A, beside an A or pinv(A) that lies in its range."""
    for first, second, left, right in _pairs(node):
        inverse = _value(left[0])
        if not isinstance(inverse, Call) or inverse.function != "pinv":
            continue
        matrix = inverse.args[0]
        if matrix is not right[0]:
            continue
        for side in (0, 1):
            shared = left[1][side]
            ends = (left[1][1 - side], right[1][side])
            if shared != right[1][1 - side] or shared in ends:
                continue
            if _elsewhere(node, shared, first, second):
                continue
            for end, other in (ends, ends[::-1]):
                third = _beside(node, end, (first, second), ((left[0], 1 - side), (matrix, side)))
                if third is not None and end != other:
                    tensor, letters, power = node.factors[third]
                    moved = tuple(other if letter == end else letter for letter in letters)
                    return _replaced(node, (first, second, third), [(tensor, moved, power)]), matrix
    return None


def _beside(
    node: Contraction,
    letter: int,
    taken: tuple[int, int],
    wanted: tuple[tuple[Tensor, int], ...],
) -> int | None:
    """The place of the only other factor on a summed letter, if it is wanted on that axis."""
    if letter < node.order:
        return None
    here = [p for p, f in enumerate(node.factors) if letter in f[1] and p not in taken]
    if len(here) != 1:
        return None
    tensor, letters, power = node.factors[here[0]]
    hit = any(tensor is t and letters[axis] == letter for t, axis in wanted)
    return here[0] if hit and power == 1 and letters.count(letter) == 1 else None


def _centred(order: int, axis: int) -> Callable[[Contraction], Hit | None]:
    """The law of factors of an order whose entries sum to 0 along an axis."""

    def rule(node: Contraction) -> Hit | None:
        for position, (tensor, letters, power) in enumerate(node.factors):
            if power != 1 or len(letters) != order or letters.count(letters[axis]) != 1:
                continue
            if not _elsewhere(node, letters[axis], position) and _sums_to_zero(tensor, axis):
                return zero(node.shape), tensor
        return None

    return rule


_sums: WeakKeyDictionary[Tensor, dict[int, bool]] = WeakKeyDictionary()


def _sums_to_zero(tensor: Tensor, axis: int) -> bool:
    known = _sums.setdefault(tensor, {})
    if axis not in known:
        known[axis] = _is_centred(_value(tensor), axis)
    return known[axis]


def _is_centred(tensor: Tensor, axis: int) -> bool:
    if isinstance(tensor, Call):
        return tensor.function == "layernorm" and axis == tensor.order - 1
    if not isinstance(tensor, Sum | Contraction):
        return False
    axes = tuple(range(tensor.order))
    kept = tuple(x for x in axes if x != axis)
    dims = dict(enumerate(tensor.shape))
    parts = [contract(1, [(term, axes)], kept, dims) for term in terms_of(tensor)]
    total = add(parts, tuple(dims[x] for x in kept))
    if total.size <= SHORT:
        values = {v: _defining(v) for v in variables_of(total)}
        total = substitute(total, {v: value for v, value in values.items() if value is not None})
    total, _ = apply_facts(total)
    return isinstance(total, Contraction) and total.coefficient == 0


def _value(tensor: Tensor) -> Tensor:
    return (_defining(tensor) or tensor) if isinstance(tensor, Variable) else tensor


def _sign(node: Map) -> Hit | None:
    if node.function not in ("abs", "sign") or not node.args:
        return None
    (argument, _), *_ = node.args
    if node.function == "abs" and has_fact(argument, "nonnegative"):
        return argument, argument
    if node.function == "sign" and has_fact(argument, "positive"):
        return ones(node.shape), argument
    return None


LAWS: Final[tuple[tuple[str, Callable[[Contraction], Hit | None]], ...]] = (
    ("probability", _probability),
    ("onehot", _onehot),
    ("signs", _signs),
    ("orthogonal", _orthogonal),
    ("inverse_pair", _inverse),
    ("lower_triangular", _triangular),
    ("cholesky", _cholesky),
    ("penrose", _penrose),
    ("even", _even),
    ("diagonal", _diagonal),
    ("centred", _centred(1, 0)),
    ("centred_rows", _centred(2, 1)),
    ("centred_columns", _centred(2, 0)),
)


def _oriented(node: Contraction, reasons: dict[Reason, None]) -> Tensor:
    """The contraction with each symmetric factor read in the direction that comes first."""
    places = [
        position
        for position, (tensor, letters, _) in enumerate(node.factors)
        if len(letters) == 2
        and letters[0] != letters[1]
        and not isinstance(tensor, Delta)
        and is_symmetric(tensor)
    ]
    if not places or len(places) > MOST_ORIENTATIONS:
        return node
    axes = tuple(range(node.order))
    best: Tensor = node
    for flips in product((False, True), repeat=len(places)):
        turned = list(node.factors)
        for position, flip in zip(places, flips, strict=True):
            if flip:
                tensor, letters, power = turned[position]
                turned[position] = (tensor, letters[::-1], power)
        candidate = contract(node.coefficient, turned, axes, dict(enumerate(node.shape)))
        if _rank(candidate) < _rank(best):
            best = candidate
    if best is not node:
        for position in places:
            subject = node.factors[position][0]
            if node.factors[position] not in as_contraction(best).factors:
                reasons[Reason("symmetric", (subject,))] = None
    return best


def _rank(tensor: Tensor) -> tuple[object, ...]:
    return tuple((f[0].key, f[2], f[1]) for f in as_contraction(tensor).factors)
