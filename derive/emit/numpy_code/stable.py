"""Forms that neither overflow nor lose their digits, for logarithms of what is named.

==========================  ===================================  ==========================
log softmax(z)              log_softmax(z)                       z - logsumexp(z)
log sigmoid(z)              -softplus(-z)                        z - softplus(z), beside the next
log(1 - sigmoid(z))         -softplus(z)
log(p / softmax(z))         log p - log_softmax(z)               likewise for sigmoid and exp
log(1 + t)                  log1p(t)
==========================  ===================================  ==========================

The laws look through names: with ``a = sigmoid(z)``, ``log(a)`` is written with ``z``.
"""

from __future__ import annotations

from collections.abc import Iterable

from derive.tensor.algebra import ONE, add, apply, contract, invoke, negate, number, terms_of
from derive.tensor.nodes import Call, Contraction, Factor, Map, Sum, Tensor, Variable
from derive.tensor.parts import children, rebuild
from derive.tensor.simplification import simplify

__all__ = ["stabilised"]


def stabilised(tensor: Tensor) -> Tensor:
    """The tensor in a form that computes stably."""
    both = {argument for argument in _complements(tensor)}
    found = _walk(tensor, both, {})
    return tensor if found is tensor else simplify(found).tensor


def _value(tensor: Tensor) -> Tensor:
    """What a name stands for."""
    while isinstance(tensor, Variable) and tensor.value is not None:
        tensor = tensor.value
    return tensor


def _argument(tensor: Tensor, function: str) -> Tensor | None:
    """What an entrywise function is applied to, if the tensor is that function of it."""
    value = _value(tensor)
    if isinstance(value, Map) and value.function == function and len(value.args) == 1:
        return value.args[0][0]
    return None


def _log_argument(tensor: Tensor) -> Tensor | None:
    if isinstance(tensor, Map) and tensor.function == "log":
        return tensor.args[0][0]
    return None


def _complement(tensor: Tensor) -> Tensor | None:
    """z, if the tensor is 1 - sigmoid(z)."""
    value = _value(tensor)
    terms = terms_of(value)
    if len(terms) != 2:
        return None
    for one, other in (terms, terms[::-1]):
        if one.factors or one.coefficient != 1 or other.coefficient != -1:
            continue
        if len(other.factors) == 1 and other.factors[0][1:] == (tuple(range(value.order)), ONE):
            return _argument(other.factors[0][0], "sigmoid")
    return None


def _complements(tensor: Tensor) -> Iterable[Tensor]:
    """Every z whose log(1 - sigmoid(z)) occurs."""
    argument = _log_argument(tensor)
    found = None if argument is None else _complement(argument)
    if found is not None:
        yield found
    for part in children(tensor):
        yield from _complements(part)


def _walk(tensor: Tensor, both: set[Tensor], done: dict[Tensor, Tensor]) -> Tensor:
    known = done.get(tensor)
    if known is None:
        parts = children(tensor)
        new = [_walk(part, both, done) for part in parts]
        known = tensor
        if any(a is not b for a, b in zip(new, parts, strict=True)):
            known = rebuild(tensor, new)
        argument = _log_argument(known)
        if argument is not None:
            known = _logarithm(argument, both) or known
        done[tensor] = known
    return known


def _logarithm(argument: Tensor, both: set[Tensor]) -> Tensor | None:
    """The logarithm of a tensor in a stable form, if the plain one is none."""
    named = _of_function(argument, both)
    if named is not None:
        return named
    inner = _complement(argument)
    if inner is not None:
        return negate(_softplus(inner))
    value = _value(argument) if not isinstance(_value(argument), Variable) else argument
    if isinstance(value, Contraction) and not value.summed and value.coefficient > 0:
        return _of_product(value, both)
    return _of_one_plus(argument)


def _of_function(argument: Tensor, both: set[Tensor]) -> Tensor | None:
    value = _value(argument)
    if isinstance(value, Call) and value.function == "softmax":
        return invoke("log_softmax", value.args, value.shape)
    exponent = _argument(value, "exp")
    if exponent is not None:
        return exponent
    inner = _argument(value, "sigmoid")
    if inner is None:
        return None
    if inner in both:
        return add([inner, negate(_softplus(inner))], inner.shape)
    return negate(_softplus(negate(inner)))


def _of_product(value: Contraction, both: set[Tensor]) -> Tensor | None:
    """Factors with a stable logarithm taken out of a product."""
    axes, dims = tuple(range(value.order)), dict(enumerate(value.shape))
    rest: list[Factor] = []
    terms: list[Tensor] = []
    for factor, letters, power in value.factors:
        logarithm = _of_function(factor, both)
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


def _of_one_plus(argument: Tensor) -> Tensor | None:
    if not isinstance(argument, Sum):
        return None
    if not any(not term.factors and term.coefficient == 1 for term in argument.terms):
        return None
    rest = add([argument, number(-1, argument.shape)], argument.shape)
    return apply("log1p", [(rest, tuple(range(argument.order)))], argument.shape)


def _softplus(tensor: Tensor) -> Tensor:
    axes = tuple(range(tensor.order))
    return contract(ONE, [(apply("softplus", [(tensor, axes)], tensor.shape), axes)], axes)
