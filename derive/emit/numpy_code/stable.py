"""Formulas as code computes them: without overflow, and without losing digits.

The formulas on paper are right and short; in floating-point numbers some of them overflow, some
subtract equal numbers, and some multiply 0 by infinity. Each kind has a module of its own:

=================  =====================================================================
logarithms         of functions, of sums of exponentials, of 1 + t
exponentials       quotients of exponentials
ends               ``1 - sigmoid(z)``, ``1 - tanh(t)^2``, ``p - y``, ``exp(t) - 1``
means              ``g - p'g`` for a softmax p
norms              quotients by norms
inverses           an inverse that terms have in common
placement          blocks, triangles, Kronecker products
quotients          products over one of their factors
branches           indicators times what has no value where they are 0
=================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from derive.emit.numpy_code.branches import Condition, as_choice, below_zero
from derive.emit.numpy_code.ends import kept_apart
from derive.emit.numpy_code.exponentials import shifted, without_cosh
from derive.emit.numpy_code.inverses import with_common_inverse
from derive.emit.numpy_code.logarithms import with_logarithms
from derive.emit.numpy_code.matching import axes_of
from derive.emit.numpy_code.means import with_centred, with_deviations
from derive.emit.numpy_code.norms import with_units
from derive.emit.numpy_code.placement import joined, over_incidence, without_incidence
from derive.emit.numpy_code.quotients import without_quotient
from derive.tensor.nodes import Contraction, Map, Sum, Tensor
from derive.tensor.parts import children, rebuild

__all__ = ["stabilised"]


def stabilised(tensor: Tensor, labels: Collection[Tensor] = (), derived: bool = False) -> Tensor:
    """The tensor in a form that computes stably.

    Args:
        tensor: A formula.
        labels: Numbers in [0, 1] that probabilities are compared with.
        derived: Whether it is a derivative, and not what somebody wrote; then ``1 - a`` is written
            anew for an ``a`` that has a name.
    """
    return _rewritten(_chosen(with_logarithms(tensor), frozenset(), {}), labels, derived, {})


PRODUCTS: Final[tuple[Callable[[Contraction], Tensor], ...]] = (
    without_incidence,
    without_cosh,
    shifted,
    with_units,
)
SUMS: Final[tuple[Callable[[Sum], Tensor], ...]] = (
    joined,
    with_centred,
    with_deviations,
    with_common_inverse,
)
"""What is done with every product and every sum, in turn."""


def _chosen(tensor: Tensor, settled: frozenset[Condition], done: dict[Any, Tensor]) -> Tensor:
    """The tensor with choices in place of indicators, from the whole to its parts."""
    known = done.get((tensor, settled))
    if known is None:
        known = tensor
        for rewrite in (without_quotient, over_incidence):
            known = rewrite(known) if isinstance(known, Contraction) else known
        known = as_choice(known, settled)
        known = below_zero(known) if isinstance(known, Map) else known
        parts = [_chosen(part, inside, done) for part, inside in _branches(known, settled)]
        done[tensor, settled] = known = _with_parts(known, parts)
    return known


def _branches(
    tensor: Tensor, settled: frozenset[Condition]
) -> Iterator[tuple[Tensor, frozenset[Condition]]]:
    """The parts of a tensor, each with the conditions that are settled in it."""
    if isinstance(tensor, Contraction) and len(tensor.factors) == 1 and not tensor.summed:
        ((turned, letters, _),) = tensor.factors
        if set(letters) == set(axes_of(tensor)) and len(letters) == tensor.order:
            places = ((c, tuple(map(letters.index, along))) for c, along in settled)
            yield turned, frozenset(places)
            return
    if not isinstance(tensor, Map) or tensor.function != "where":
        yield from ((part, frozenset()) for part in children(tensor))
        return
    condition, *branches = tensor.args
    yield condition[0], frozenset()
    for branch, letters in branches:
        known = [c for c in (condition, *settled) if set(c[1]) <= set(letters)]
        yield branch, frozenset((c, tuple(map(letters.index, along))) for c, along in known)


def _rewritten(
    tensor: Tensor, labels: Collection[Tensor], derived: bool, done: dict[Tensor, Tensor]
) -> Tensor:
    """The tensor with everything else written stably, from its parts to the whole."""
    known = done.get(tensor)
    if known is None:
        parts = [_rewritten(part, labels, derived, done) for part in children(tensor)]
        known = _with_parts(tensor, parts)
        for rule in PRODUCTS:
            known = rule(known) if isinstance(known, Contraction) else known
        for rewrite in SUMS:
            known = rewrite(known) if isinstance(known, Sum) else known
        known = kept_apart(known, labels, derived) if isinstance(known, Sum) else known
        done[tensor] = known
    return known


def _with_parts(tensor: Tensor, parts: Sequence[Tensor]) -> Tensor:
    old = children(tensor)
    if all(a is b for a, b in zip(parts, old, strict=True)):
        return tensor
    return rebuild(tensor, parts)
