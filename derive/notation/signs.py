"""Differences the way round in which their author wrote them.

The core keeps one of ``x − μ`` and ``μ − x``. Where the sign does not matter, because the
difference is squared or stands twice in a product, and in a divisor, it is written as in the
problem.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from derive.notation.expression import Expr, hadamard, negative, product, total

__all__ = ["differences", "with_signs"]


def differences(form: Expr) -> Iterator[Expr]:
    """The sums in an expression in which something is subtracted."""
    if form.op == "add" and any(term.op == "negative" for term in form.args):
        yield form
    for arg in form.args:
        yield from differences(arg)


def with_signs(form: Expr, written: Collection[Expr]) -> Expr:
    """An expression of the same value with differences as they were written, where that is free.

    Args:
        form: The expression.
        written: From :func:`differences` of the problem's own formulas.
    """
    if not written or not form.args:
        return form
    args = tuple(with_signs(arg, written) for arg in form.args)
    if form.op in ("power", "hadamard_power", "norm"):
        even = form.op == "norm" or form.value % 2 == 0
        args = ((_turned(args[0], written) or args[0]) if even else args[0],)
    elif form.op in ("product", "hadamard"):
        turned = [_turned(arg, written) for arg in args]
        if sum(arg is not None for arg in turned) % 2 == 0:
            args = tuple(new or old for new, old in zip(turned, args, strict=True))
        if any(arg.op == "negative" for arg in args):
            return product(args) if form.op == "product" else hadamard(args)
    elif form.op in ("quotient", "fraction"):
        below = _turned(args[1], written)
        if below is not None:
            return negative(Expr(form.op, (args[0], below), form.rows, form.cols))
    elif form.op == "negative":
        return negative(args[0])
    return form if args == form.args else Expr(form.op, args, form.rows, form.cols, form.value)


def _turned(form: Expr, written: Collection[Expr]) -> Expr | None:
    """A difference, or its transpose, the other way round if it was written so."""
    if form.op == "transpose":
        inner = _turned(form.args[0], written)
        return None if inner is None else Expr("transpose", (inner,), form.rows, form.cols)
    if form.op != "add" or form in written:
        return None
    other = total([negative(term) for term in form.args])
    return next((known for known in written if known.op == "add" and _same(known, other)), None)


def _same(one: Expr, other: Expr) -> bool:
    """Whether two sums have the same terms."""
    return len(one.args) == len(other.args) and all(term in other.args for term in one.args)
