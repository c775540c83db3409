"""The parts of a tensor, and the tensor with other parts."""

from __future__ import annotations

from collections.abc import Sequence

from derive.tensor.algebra import add, apply, contract, invoke
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Delta,
    Map,
    Sum,
    Tensor,
    Variable,
)

__all__ = ["children", "rebuild"]


def children(tensor: Tensor) -> tuple[Tensor, ...]:
    """The tensors directly inside; none for variables, whatever their value."""
    if isinstance(tensor, Contraction):
        return tuple(factor[0] for factor in tensor.factors)
    if isinstance(tensor, Sum):
        return tensor.terms
    if isinstance(tensor, Map):
        return tuple(arg for arg, _ in tensor.args)
    return tensor.args if isinstance(tensor, Call) else ()


def rebuild(tensor: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """The tensor with other ones in place of :func:`children`, in canonical form."""
    if isinstance(tensor, Contraction):
        factors = [
            (part, letters, power)
            for part, (_, letters, power) in zip(parts, tensor.factors, strict=True)
        ]
        axes = tuple(range(tensor.order))
        return contract(tensor.coefficient, factors, axes, dict(enumerate(tensor.shape)))
    if isinstance(tensor, Sum):
        return add(parts, tensor.shape)
    if isinstance(tensor, Map):
        args = [(part, letters) for part, (_, letters) in zip(parts, tensor.args, strict=True)]
        return apply(tensor.function, args, tensor.shape)
    if isinstance(tensor, Call):
        return invoke(tensor.function, parts, tensor.shape)
    assert isinstance(tensor, Variable | Constant | Delta)
    return tensor
