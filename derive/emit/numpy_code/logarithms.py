"""Logarithms of what is named or spelled out, in forms that neither overflow nor cancel.

==============================  ===================================  ========================
log softmax(z)                  log_softmax(z)
log sigmoid(z)                  -softplus(-z)
log(1 - sigmoid(z))             -softplus(z)
log(p / softmax(z))             log p - log_softmax(z)               and so for every product
log(a exp(s) + b exp(t) + ...)  logaddexp(s + log a, ...)            a, b positive numbers
log(sum(exp(z)))                logsumexp(z)
log(mean(exp(z)))               logmeanexp(z)
log cosh(t)                     log_cosh(t)
log(1 + t)                      log1p(t)
softplus(z) - y z               (1 - y) softplus(z) + y softplus(-z)   y a given variable
logsumexp(z) - sum(y z)         -sum(y log_softmax(z))                 sum(y) = 1
==============================  ===================================  ========================

The laws look through names: with ``a = sigmoid(z)``, ``log(a)`` is written with ``z``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import reduce
from typing import Final

import sympy

from derive.emit.numpy_code.matching import argument_of, axes_of, called, mapped, value_of
from derive.tensor.algebra import (
    ONE,
    add,
    apply,
    contract,
    invoke,
    negate,
    number,
    relabel,
    size_of,
    terms_of,
    transpose,
)
from derive.tensor.facts import has_fact
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Factor,
    Letters,
    Map,
    Sum,
    Tensor,
    Variable,
)
from derive.tensor.parts import children, rebuild
from derive.tensor.simplification import simplify

__all__ = ["with_logarithms"]

LOGARITHM: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "exp": lambda z: z,
    "sigmoid": lambda z: negate(mapped("softplus", negate(z))),
    "cosh": lambda z: mapped("log_cosh", z),
    "softmax": lambda z: called("log_softmax", z),
}
"""Logarithms of functions, by the function."""


def with_logarithms(tensor: Tensor) -> Tensor:
    """The tensor with every logarithm in it written stably."""
    found = _walk(tensor, {})
    if found is not tensor:
        found = simplify(found).tensor
    return _walk_sums(found, {})


def _walk(tensor: Tensor, done: dict[Tensor, Tensor]) -> Tensor:
    known = done.get(tensor)
    if known is None:
        parts = children(tensor)
        new = [_walk(part, done) for part in parts]
        known = tensor
        if any(a is not b for a, b in zip(new, parts, strict=True)):
            known = rebuild(tensor, new)
        if isinstance(known, Map) and known.function == "log":
            known = _logarithm(known.args[0][0]) or known
        done[tensor] = known
    return known


def _walk_sums(tensor: Tensor, done: dict[Tensor, Tensor]) -> Tensor:
    known = done.get(tensor)
    if known is None:
        parts = children(tensor)
        new = [_walk_sums(part, done) for part in parts]
        known = tensor
        if any(a is not b for a, b in zip(new, parts, strict=True)):
            known = rebuild(tensor, new)
        if isinstance(known, Sum):
            known = _softplus_beside_label(known) or _cross_entropy(known) or known
        done[tensor] = known
    return known


def _logarithm(argument: Tensor) -> Tensor | None:
    """The logarithm of a tensor in a stable form, if the plain one is none."""
    named = _of_function(argument)
    if named is not None:
        return named
    inner = _complement(argument)
    if inner is not None:
        return negate(mapped("softplus", inner))
    value = value_of(argument)
    value = argument if isinstance(value, Variable) else value
    if isinstance(value, Contraction) and value.coefficient > 0:
        return _of_total(value) or _of_product(value)
    if isinstance(value, Sum):
        return _of_exponentials(value) or _of_one_plus(argument)
    return None


def _of_function(argument: Tensor) -> Tensor | None:
    """The logarithm of a value of a function that has one in the table."""
    for function, logarithm in LOGARITHM.items():
        inner = argument_of(argument, function)
        if inner is not None:
            return logarithm(inner)
    return None


def _complement(tensor: Tensor) -> Tensor | None:
    """z, if the tensor is 1 - sigmoid(z)."""
    value = value_of(tensor)
    terms = terms_of(value)
    if len(terms) != 2:
        return None
    for one, other in (terms, terms[::-1]):
        if one.factors or one.coefficient != 1 or other.coefficient != -1:
            continue
        if len(other.factors) == 1 and other.factors[0][1:] == (axes_of(value), ONE):
            return argument_of(other.factors[0][0], "sigmoid")
    return None


def _of_product(value: Contraction) -> Tensor | None:
    """Factors with a stable logarithm taken out of a product."""
    if value.summed:
        return None
    axes, dims = axes_of(value), dict(enumerate(value.shape))
    rest: list[Factor] = []
    terms: list[Tensor] = []
    for factor, letters, power in value.factors:
        inner = value_of(factor)
        total = _of_total(inner) if isinstance(inner, Contraction) else None
        logarithm = _of_function(factor) or total
        if logarithm is None:
            rest.append((factor, letters, power))
        else:
            terms.append(contract(power, [(logarithm, letters)], axes, dims))
    if not terms:
        return None
    if rest or value.coefficient != 1:
        remaining = contract(value.coefficient, rest, axes, dims)
        terms.append(apply("log", [(remaining, axes)], value.shape))
    return add(terms, value.shape)


def _of_total(value: Contraction) -> Tensor | None:
    """The logarithm of a sum or mean of ``exp(z)`` over one axis of z."""
    counts: list[Tensor] = []
    total: tuple[Tensor, Letters] | None = None
    for factor, letters, power in value.factors:
        inner = value_of(factor)
        if isinstance(factor, Constant) and power == -1:
            counts.append(factor)
        elif power == 1 and total is None and not value.summed:
            total = inner, letters
        elif power == 1 and total is None and len(value.factors) == 1 + len(counts):
            total = value, axes_of(value)
        else:
            return None
    if total is None:
        return None
    tensor, letters = total
    if tensor is not value and not isinstance(tensor, Contraction):
        return None
    scales: list[Factor] = [(count, (), -ONE) for count in counts]
    coefficient = value.coefficient
    if tensor is not value:
        scales += [f for f in tensor.factors if isinstance(f[0], Constant)]
        coefficient *= tensor.coefficient
    body = contract(
        1, [f for f in tensor.factors if not isinstance(f[0], Constant)], axes_of(tensor)
    )
    found = _exponent_of_total(body)
    if found is None or coefficient < 0:
        return None
    size = size_of(found.shape[-1])
    mean = contract(1, [(size, (), -ONE)])
    scaling = contract(coefficient, scales)
    log: Tensor
    if scaling is mean:
        log = Call("logmeanexp", (found,), found.shape[:-1])
    else:
        total_log = invoke("logsumexp", [found], found.shape[:-1])
        if scaling is number(1):
            log = total_log
        else:
            more = relabel(mapped("log", scaling), (), total_log.shape)
            log = add([total_log, more], total_log.shape)
    return relabel(log, letters, value.shape)


def _exponent_of_total(tensor: Tensor) -> Tensor | None:
    """z, its summed axis last, if the tensor is ``sum(exp(z))`` over one axis."""
    if not isinstance(tensor, Contraction) or tensor.coefficient != 1:
        return None
    if len(tensor.factors) != 1 or len(tensor.summed) != 1:
        return None
    factor, letters, power = tensor.factors[0]
    exponent = argument_of(factor, "exp")
    if exponent is None or power != 1 or len(set(letters)) < len(letters):
        return None
    if letters[:-1] == axes_of(tensor):
        return exponent
    return transpose(exponent) if letters == (1, 0) else None


def _of_exponentials(value: Sum) -> Tensor | None:
    """The logarithm of a sum of positive multiples of exponentials."""
    exponents = []
    for term in value.terms:
        exponent = _exponent(term, value)
        if exponent is None:
            return None
        exponents.append(exponent)
    if all(not term.factors or not argument_in(term) for term in value.terms):
        return None
    return reduce(lambda left, right: mapped("logaddexp", left, right), exponents)


def argument_in(term: Contraction) -> bool:
    """Whether an exponential is among the factors of a term."""
    return any(
        argument_of(factor, "exp") is not None or argument_of(factor, "cosh") is not None
        for factor, _, _ in term.factors
    )


def _exponent(term: Contraction, like: Tensor) -> Tensor | None:
    """t, if a term is exp(t): a product of exponentials with a positive number."""
    if term.coefficient <= 0 or term.summed:
        return None
    axes, dims = axes_of(like), dict(enumerate(like.shape))
    parts: list[Tensor] = []
    for factor, letters, power in term.factors:
        logarithm = _of_function(factor)
        if logarithm is None:
            return None
        parts.append(contract(power, [(logarithm, letters)], axes, dims))
    if term.coefficient != 1:
        logarithm = Constant(sympy.log(sympy.Rational(*term.coefficient.as_integer_ratio())))
        parts.append(relabel(logarithm, (), like.shape))
    return add(parts, like.shape)


def _of_one_plus(argument: Tensor) -> Tensor | None:
    if not isinstance(argument, Sum):
        return None
    if not any(not term.factors and term.coefficient == 1 for term in argument.terms):
        return None
    rest = add([argument, number(-1, argument.shape)], argument.shape)
    return apply("log1p", [(rest, axes_of(argument))], argument.shape)


def _softplus_beside_label(tensor: Sum) -> Tensor | None:
    """``c softplus(z) - c y z`` without the difference, for a given variable y."""
    for place, term in enumerate(tensor.terms):
        for at, (factor, letters, power) in enumerate(term.factors):
            z = argument_of(factor, "softplus")
            if z is None or power != 1 or letters != axes_of(tensor):
                continue
            rest = [f for k, f in enumerate(term.factors) if k != at]
            others = [t for k, t in enumerate(tensor.terms) if k != place]
            found = _label_beside(tensor, term.coefficient, rest, z, others)
            if found is not None:
                return found
    return None


def _label_beside(
    tensor: Sum, coefficient: Fraction, rest: list[Factor], z: Tensor, others: list[Contraction]
) -> Tensor | None:
    axes, dims = axes_of(tensor), dict(enumerate(tensor.shape))

    def times(*factors: Factor) -> Tensor:
        return contract(coefficient, [*rest, *factors], axes, dims)

    plus, minus = (mapped("softplus", part) for part in (z, negate(z)))
    labels: list[Tensor] = [number(1, tensor.shape), *_given_in(others, tensor)]
    for label in labels:
        product = [times((label, axes, ONE), (part, axes, ONE)) for part in terms_of(z)]
        left = add([*others, *product], tensor.shape)
        if len(terms_of(left)) <= len(others) - len(terms_of(z)) or _is_nothing(left):
            one_minus = add([number(1, tensor.shape), negate(label)], tensor.shape)
            return add(
                [
                    times((one_minus, axes, ONE), (plus, axes, ONE)),
                    times((label, axes, ONE), (minus, axes, ONE)),
                    left,
                ],
                tensor.shape,
            )
    return None


def _is_nothing(tensor: Tensor) -> bool:
    return isinstance(tensor, Contraction) and tensor.coefficient == 0


def _given_in(terms: list[Contraction], like: Tensor) -> Iterator[Tensor]:
    """Given variables among the factors of some terms, along all axes."""
    seen: set[Tensor] = set()
    for term in terms:
        for factor, letters, power in term.factors:
            given = isinstance(factor, Variable) and factor.value is None and power == 1
            if given and letters == axes_of(like) and factor not in seen:
                seen.add(factor)
                yield factor


def _cross_entropy(tensor: Sum) -> Tensor | None:
    """``c logsumexp(z) - c sum(y z)`` as ``-c sum(y log_softmax(z))``, where y sums to 1."""
    for place, term in enumerate(tensor.terms):
        if len(term.factors) != 1 or term.factors[0][2] != 1:
            continue
        factor, letters, _ = term.factors[0]
        z = argument_of(factor, "logsumexp")
        if z is None:
            continue
        others = [t for k, t in enumerate(tensor.terms) if k != place]
        for at, other in enumerate(others):
            label = _label_of(other, term, z, letters)
            if label is not None:
                logarithm = called("log_softmax", z)
                factors = [(label, _along(other, label)), (logarithm, _along(other, label))]
                product = contract(
                    -term.coefficient, factors, axes_of(tensor), dict(enumerate(tensor.shape))
                )
                return add([product, *(t for k, t in enumerate(others) if k != at)], tensor.shape)
    return None


def _label_of(other: Contraction, term: Contraction, z: Tensor, letters: Letters) -> Tensor | None:
    """y, if a term is ``-c sum(y z)`` over the last axis of z, and y sums to 1 there."""
    if other.coefficient != -term.coefficient or len(other.factors) != 2:
        return None
    if any(power != 1 for _, _, power in other.factors):
        return None
    (first, along, _), (second, beside, _) = other.factors
    if along != beside or z not in (first, second):
        return None
    label = second if first is z else first
    if along[-1] < other.order or any(len(set(ls)) < len(ls) for ls in (along, letters)):
        return None
    free = tuple(x for x in along if x < other.order)
    if free != letters and (free or any(x < term.order for x in letters)):
        return None
    return label if has_fact(label, "probability") else None


def _along(term: Contraction, factor: Tensor) -> Letters:
    return next(letters for tensor, letters, _ in term.factors if tensor is factor)
