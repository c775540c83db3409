"""Blocks, triangles and Kronecker products without the arrays of zeros and ones that define them.

A contraction with one of the arrays of :mod:`derive.tensor.incidence` only moves entries about, and
NumPy has ways to do that. Each is a function of the arrays that are left, along one axis (a number
in its name):

==================  =============================================================================
block_0(x, o)       ``x[o:o + k]``, k the size of the result there
entry_0(x, o)       ``x[o]``
placed_0(x, o)      zeros with x at ``o:o + k``
put_0(x, o)         zeros with x at ``o``
joined_0(x, y)      one behind the other
split_0(x)          ``x.reshape(m, n)`` of a vector with ``m*n`` entries
merged_0(x)         ``x.reshape(m*n)``
tril(x), triu(x)    the triangles of a matrix
running_0(x)        running sums; ``returning_0`` from the end
==================  =============================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sympy import Integer

from derive.emit.numpy_code.matching import axes_of, value_of
from derive.shapes import ONE as ONE_DIM
from derive.shapes import Dim, Shape, same
from derive.tensor.algebra import ONE, add, contract, number
from derive.tensor.incidence import is_incidence
from derive.tensor.nodes import Call, Constant, Contraction, Factor, Letters, Sum, Tensor

__all__ = ["joined", "over_incidence", "start_of", "without_incidence"]


def start_of(tensor: Call) -> Dim:
    """Where a block begins."""
    start = tensor.args[1]
    if isinstance(start, Constant):
        return start.value
    assert isinstance(start, Contraction)
    return Integer(int(start.coefficient))


def without_incidence(tensor: Contraction) -> Tensor:
    """The contraction with blocks, triangles and reshaped arrays in place of zeros and ones."""
    for place, (factor, letters, _) in enumerate(tensor.factors):
        if not is_incidence(factor) or len(set(letters)) < len(letters):
            continue
        assert isinstance(factor, Call)
        found = RULES[factor.function](tensor, place, factor)
        if found is not None:
            return found
    return tensor


def over_incidence(tensor: Contraction) -> Tensor:
    """The product multiplied out over a sum of arrays of zeros and ones with others."""
    for place, (factor, letters, power) in enumerate(tensor.factors):
        if not isinstance(factor, Sum) or power != ONE or not tensor.summed & set(letters):
            continue
        rest = _others(tensor, place)
        near = [f for f in rest if set(f[1]) & set(letters)]
        held = any(is_incidence(part) for term in factor.terms for part, _, _ in term.factors)
        if held and not _has_inverse(near):
            axes, dims = axes_of(tensor), tensor.dims
            terms = [
                contract(tensor.coefficient, [*rest, (term, letters, ONE)], axes, dims)
                for term in factor.terms
            ]
            wide = [over_incidence(t) if isinstance(t, Contraction) else t for t in terms]
            return add(wide, tensor.shape)
    return tensor


def _again(tensor: Tensor) -> Tensor:
    return without_incidence(tensor) if isinstance(tensor, Contraction) else tensor


def _others(tensor: Contraction, place: int) -> list[Factor]:
    return [factor for at, factor in enumerate(tensor.factors) if at != place]


def _has_inverse(factors: Sequence[Factor]) -> bool:
    """Whether one of these is an inverse, which is better applied than computed."""
    values = (value_of(factor) for factor, _, _ in factors)
    return any(isinstance(value, Call) and value.function == "inverse" for value in values)


def _carried(letter: int, factors: Sequence[Factor]) -> bool:
    return any(letter in letters for _, letters, _ in factors)


def _is_tied(letter: int, factors: Sequence[Factor]) -> bool:
    """Whether an array of zeros and ones carries a letter."""
    return any(is_incidence(factor) and letter in letters for factor, letters, _ in factors)


def _replaced(letters: Letters, old: int, new: Letters) -> Letters:
    return tuple(x for letter in letters for x in (new if letter == old else (letter,)))


def _resized(shape: Shape, axis: int, *dims: Dim) -> Shape:
    return (*shape[:axis], *dims, *shape[axis + 1 :])


def _select(tensor: Contraction, place: int, select: Call) -> Tensor | None:
    """Rows of what is summed with the selection; zeros around what is not."""
    *rows, column = tensor.factors[place][1]
    others = _others(tensor, place)
    free = axes_of(tensor)
    if _is_tied(column, others) and not rows:
        unit = Call("put_0", (number(1), *select.args), select.shape)
        every = [*others, (unit, (column,), ONE)]
        return _again(contract(tensor.coefficient, every, free, tensor.dims))
    if _is_tied(column, others):
        return _evaluated(tensor, place, column, tuple(rows))
    if column in free and any(row in free for row in rows):
        return None
    if _has_inverse([f for f in others if column in f[1]]):
        return _beside_inverse(tensor, place, select)
    new, offset = tuple(rows), select.args[0]
    kind = "block" if new else "entry"
    factors: list[Factor] = []
    for factor, letters, power in others:
        while column in letters:
            axis = letters.index(column)
            shape = _resized(factor.shape, axis, *(select.shape[0],) * len(new))
            factor = Call(f"{kind}_{axis}", (factor, offset), shape)
            letters = _replaced_once(letters, axis, new)
        factors.append((factor, letters, power))
    dims = {**tensor.dims, **dict(zip(new, select.shape, strict=False))}
    if column not in free:
        every = [*factors, *((number(1, select.shape[:1]), new, ONE) for _ in new)]
        return _again(contract(tensor.coefficient, every, free, dims))
    inner = _again(contract(tensor.coefficient, factors, _replaced(free, column, new), dims))
    kind = "placed" if new else "put"
    return Call(f"{kind}_{free.index(column)}", (inner, offset), tensor.shape)


def _beside_inverse(tensor: Contraction, place: int, select: Call) -> Tensor | None:
    """Rows of the solution of equations, or equations with zeros on their right-hand sides."""
    *rows, column = tensor.factors[place][1]
    free = axes_of(tensor)
    if column not in free and not any(row in free for row in rows):
        placed = _evaluated(tensor, place, column, tuple(rows)) if rows else None
        if placed is not None:
            return placed
    if column in free:
        return None
    near = [f for f in _reached(tensor, place, -1, (column,)) if f is not tensor.factors[place]]
    rest = [f for f in _others(tensor, place) if f not in near]
    if not rows and len(near) == 1:
        unit = Call("put_0", (number(1), *select.args), select.shape)
        every = [*near, *rest, (unit, (column,), ONE)]
        return _again(contract(tensor.coefficient, every, free, tensor.dims))
    outside = set(free).union(rows, *(letters for _, letters, _ in rest))
    shared = sorted({x for _, letters, _ in near for x in letters} & outside)
    if len(shared) > 1 or column in shared:
        return None
    inner = _again(contract(1, near, (column, *shared), tensor.dims))
    shape = (*select.shape[:-1], *inner.shape[1:])
    part = Call(f"{'block' if rows else 'entry'}_0", (inner, select.args[0]), shape)
    every = [*rest, (part, (*rows, *shared), ONE)]
    return _again(contract(tensor.coefficient, every, free, tensor.dims))


def _replaced_once(letters: Letters, axis: int, new: Letters) -> Letters:
    return (*letters[:axis], *new, *letters[axis + 1 :])


def _pair(tensor: Contraction, place: int, pair: Call) -> Tensor | None:
    """Arrays with the axis of pairs split in two; two axes of the result made one."""
    whole, first, second = tensor.factors[place][1]
    others = _others(tensor, place)
    free = axes_of(tensor)
    if _is_tied(whole, others):
        return _evaluated(tensor, place, whole, (first, second))
    if whole not in free:
        return _split(tensor, place, pair, others)
    if first in free or second in free:
        return None
    parts = _without_whole(others, whole, (first, second), pair)
    inner = contract(
        tensor.coefficient, parts, _replaced(free, whole, (first, second)), tensor.dims
    )
    return Call(f"merged_{free.index(whole)}", (_again(inner),), tensor.shape)


def _split(tensor: Contraction, place: int, pair: Call, others: Sequence[Factor]) -> Tensor | None:
    whole, first, second = tensor.factors[place][1]
    parts = _without_whole(others, whole, (first, second), pair)
    parts.append((number(1, pair.shape[1:]), (first, second), ONE))
    free = axes_of(tensor)
    return _again(contract(tensor.coefficient, parts, free, tensor.dims))


def _without_whole(factors: Sequence[Factor], whole: int, new: Letters, pair: Call) -> list[Factor]:
    found: list[Factor] = []
    for factor, letters, power in factors:
        while whole in letters:
            axis = letters.index(whole)
            shape = _resized(factor.shape, axis, *pair.shape[1:])
            factor = Call(f"split_{axis}", (factor,), shape)
            letters = _replaced_once(letters, axis, new)
        found.append((factor, letters, power))
    return found


def _evaluated(tensor: Contraction, place: int, kept: int, inside: Letters) -> Tensor | None:
    """What an array of zeros and ones makes of its neighbours, put together before the rest."""
    own, free = tensor.factors[place], axes_of(tensor)
    near = _reached(tensor, place, kept, inside)
    rest = [f for f in _others(tensor, place) if f not in near]
    outside = set(free).union(*(letters for _, letters, _ in rest))
    if not rest or outside & set(inside):
        return None
    shared = {x for _, letters, _ in near for x in letters} & outside
    letters = (kept, *sorted(shared - {kept}))
    inner = contract(1, [own, *near], letters, tensor.dims)
    found = _again(inner)
    if found is inner:
        return None
    every = [*rest, (found, letters, ONE)]
    return _again(contract(tensor.coefficient, every, free, tensor.dims))


def _reached(tensor: Contraction, place: int, kept: int, inside: Letters) -> list[Factor]:
    """The factors that hang together with some letters, over letters that are summed."""
    letters, found = set(inside), list[Factor]()
    left = [f for f in _others(tensor, place) if kept not in f[1]]
    while near := [f for f in left if letters & set(f[1])]:
        found += near
        left = [f for f in left if f not in near]
        letters |= {x for f in near for x in f[1] if x >= tensor.order}
    return found


def _lower(tensor: Contraction, place: int, lower: Call) -> Tensor | None:
    """The triangle of what stands on the same letters; running sums where nothing does."""
    row, column = tensor.factors[place][1]
    others = _others(tensor, place)
    free, dims = axes_of(tensor), tensor.dims
    if {row, column} == set(free):
        if not _carried(row, others) or not _carried(column, others):
            return None
        inner = _again(contract(tensor.coefficient, others, free, dims))
        return Call("tril" if row < column else "triu", (inner,), tensor.shape)
    both = [f for f in others if set(f[1]) == {row, column}]
    if both:
        inner = _again(contract(1, both, (row, column), dims))
        rest = [f for f in others if f not in both]
        factor: Factor = (Call("tril", (inner,), inner.shape), (row, column), ONE)
        return _again(contract(tensor.coefficient, [*rest, factor], free, dims))
    return _running(tensor, place, lower)


def _running(tensor: Contraction, place: int, lower: Call) -> Tensor | None:
    """Sums over ``j <= i`` as running sums, over ``i >= j`` as those from the end."""
    row, column = tensor.factors[place][1]
    free, others = axes_of(tensor), _others(tensor, place)
    if not same(*lower.shape):
        return None
    for summed, kept, name in ((column, row, "running"), (row, column, "returning")):
        if summed in free or _is_tied(summed, others):
            continue
        near = [f for f in others if summed in f[1]]
        rest = [f for f in others if f not in near]
        outside = set(free).union(*(letters for _, letters, _ in rest))
        inside = {x for _, letters, _ in near for x in letters}
        shared = inside & outside
        if not near or len(shared) > 1 or kept in inside or _has_inverse(near):
            continue
        letters = (summed, *sorted(shared))
        inner = _again(contract(1, near, letters, tensor.dims))
        total = Call(f"{name}_0", (inner,), inner.shape)
        every = [*rest, (total, (kept, *letters[1:]), ONE)]
        return _again(contract(tensor.coefficient, every, free, tensor.dims))
    return None


RULES: dict[str, Callable[[Contraction, int, Call], Tensor | None]] = {
    "select": _select,
    "pair": _pair,
    "lower": _lower,
}


def joined(tensor: Sum) -> Tensor:
    """The sum with blocks that lie one behind the other joined."""
    axes, dims = axes_of(tensor), dict(enumerate(tensor.shape))
    for axis in axes:
        blocks: list[tuple[Dim, Dim, Tensor]] = []
        rest: list[Tensor] = []
        for term in tensor.terms:
            factor, letters, power = term.factors[0] if len(term.factors) == 1 else (term, (), 0)
            is_block = isinstance(factor, Call) and factor.function in BLOCKS[axis]
            if is_block and letters == axes and power == 1:
                assert isinstance(factor, Call)
                inner = factor.args[0]
                size = inner.shape[axis] if inner.order == tensor.order else ONE_DIM
                if inner.order < tensor.order:
                    inner = contract(1, [(inner, _without(axes, axis))], axes, {**dims, axis: size})
                part = contract(term.coefficient, [(inner, axes)], axes, {**dims, axis: size})
                blocks.append((start_of(factor), size, part))
            else:
                rest.append(term)
        parts = _in_order(blocks, tensor.shape[axis])
        if parts is not None:
            whole = Call(f"joined_{axis}", tuple(parts), tensor.shape)
            return add([whole, *rest], tensor.shape)
    return tensor


BLOCKS = [(f"placed_{axis}", f"put_{axis}") for axis in range(4)]


def _without(axes: Letters, axis: int) -> Letters:
    return tuple(x for x in axes if x != axis)


def _in_order(blocks: Sequence[tuple[Dim, Dim, Tensor]], size: Dim) -> list[Tensor] | None:
    """The blocks that fill an axis, each beginning where the one before ends."""
    if len(blocks) < 2:
        return None
    start, found, left = size * 0, list[Tensor](), list(blocks)
    while left:
        following = next((block for block in left if same(block[0], start)), None)
        if following is None:
            return None
        left.remove(following)
        found.append(following[2])
        start = start + following[1]
    return found if same(start, size) else None
