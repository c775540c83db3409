"""Tensors lowered to NumPy expressions.

A tensor that is merely repeated along an axis is kept without that axis, and broadcast where it
meets others; it is written out only where a result must have its full shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from derive.emit.numpy_code.arrays import Array, Arrays, Powered, is_boolean, subscripts
from derive.emit.numpy_code.blocks import Blocks, NoBlocks, scaled
from derive.emit.numpy_code.calls import CALLS, moved
from derive.emit.numpy_code.functions import COMPARISONS
from derive.emit.numpy_code.norms import normed_part
from derive.emit.numpy_code.order import Computed, Order, entries_in
from derive.emit.numpy_code.products import NoOperator, Product
from derive.shapes import ONE as ONE_DIM
from derive.shapes import Shape
from derive.tensor.algebra import ONE, add, contract
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Delta,
    Letters,
    Map,
    Sum,
    Tensor,
    Variable,
)
from derive.tensor.parts import children

__all__ = ["TensorLowering"]

Lean = tuple[Array, Letters]
HALF = Fraction(1, 2)


class TensorLowering:
    """Lowers the formulas of one function.

    Args:
        arrays: Makes the nodes.
        names: The node of every variable.
        formulas: All formulas of the function; what they have in common decides the form.
        materialised: Inverses that are computed as matrices, rather than applied by ``solve``.
    """

    def __init__(
        self,
        arrays: Arrays,
        names: Mapping[Variable, Array],
        formulas: Iterable[Tensor],
        materialised: Iterable[Tensor] = (),
    ) -> None:
        self.arrays, self.names = arrays, names
        self.materialised = set(materialised)
        self.products = Computed()
        self.blocks: dict[Tensor, Array] = {}
        self.inverses: dict[Array, Tensor] = {}
        self.log_softmaxes: dict[Array, Tensor] = {}
        self.known: dict[Tensor, Lean] = {}
        self.costs: dict[Tensor, float] = {}
        formulas = tuple(formulas)
        self.exponents = _arguments(formulas, ("log_softmax", "logsumexp"))
        self.deviating = _arguments(formulas, ("layernorm", "deviations"))

    def define(self, tensor: Tensor, name: Array) -> Array:
        """The formula of a variable; from now on, this tensor is the variable."""
        node = self.array(tensor)
        if is_boolean(node):
            return self.arrays.make("floating", (node,), node.shape)
        if not isinstance(tensor, Variable) and node.op != "number":
            self.known[tensor] = name, tuple(range(tensor.order))
            self.products.enter(tensor, name)
        return node

    def array(self, tensor: Tensor) -> Array:
        """The array of a tensor, all its axes written out."""
        node, kept = self.lean(tensor)
        if len(kept) == tensor.order:
            return node
        if kept:
            node = self._along(node, kept, tensor.order)
        return self.arrays.full(node, tensor.shape)

    def _along(self, node: Array, axes: Letters, order: int) -> Array:
        """An array along axes of a result with ``order`` axes, ready to be broadcast."""
        if axes == tuple(range(order - len(axes), order)):
            return node
        if order == 2:
            return self.arrays.transpose(node) if axes == (1, 0) else self.arrays.expand(node)
        turned = tuple(sorted(axes))
        if turned != axes:
            node = self.arrays.permuted(node, tuple(map(axes.index, turned)))
        dims = dict(zip(turned, node.shape, strict=True))
        return self.arrays.reshape(node, tuple(dims.get(axis, ONE_DIM) for axis in range(order)))

    def lean(self, tensor: Tensor) -> Lean:
        """The array of a tensor without the axes along which it is repeated, and those left."""
        known = self.known.get(tensor)
        if known is None:
            known = self.known[tensor] = self._lowered(tensor)
        return known

    def _lowered(self, tensor: Tensor) -> Lean:
        axes = tuple(range(tensor.order))
        if isinstance(tensor, Contraction):
            return self._contraction(tensor)
        if isinstance(tensor, Variable):
            return self.names[tensor], axes
        if isinstance(tensor, Constant):
            return self.arrays.constant(tensor.value), axes
        if isinstance(tensor, Delta):
            return self.arrays.eye(tensor.shape[0]), axes
        if isinstance(tensor, Sum):
            return self._sum(tensor), axes
        if isinstance(tensor, Map):
            return self._map(tensor), axes
        assert isinstance(tensor, Call)
        return self._call(tensor), axes

    def _placed(self, tensor: Tensor, letters: Letters, order: int) -> Array:
        """A tensor along axes of a result with ``order`` axes, ready to be broadcast."""
        node, kept = self.lean(tensor)
        along = tuple(letters[axis] for axis in kept)
        if len(set(along)) < len(along):
            node, along = self._agreeing(node, along)
        return self._along(node, along, order) if along else node

    def _agreeing(self, node: Array, along: Letters) -> Lean:
        """The entries of an array at which axes with the same letter agree."""
        kept = tuple(dict.fromkeys(along))
        shape = tuple(node.shape[along.index(x)] for x in kept)
        if len(along) == 2:
            return self.arrays.make("diagonal", (node,), shape), kept
        return self.arrays.make("einsum", (node,), shape, subscripts([along], kept)), kept

    def _placed_all(
        self, args: Sequence[tuple[Tensor, Letters]], order: int
    ) -> tuple[list[Array], bool]:
        """Arguments along the axes of a result, or of its transpose if that needs fewer of them."""
        straight = [self._placed(arg, letters, order) for arg, letters in args]
        if order != 2 or not any(node.op == "transpose" for node in straight):
            return straight, False
        turned = [self._placed(arg, tuple(1 - x for x in ls), order) for arg, ls in args]
        counts = [sum(n.op == "transpose" for n in nodes) for nodes in (turned, straight)]
        return (turned, True) if counts[0] < counts[1] else (straight, False)

    def _sum(self, tensor: Sum) -> Array:
        axes = tuple(range(tensor.order))
        dims = dict(enumerate(tensor.shape))
        parts = [(contract(1, term.factors, axes, dims), axes) for term in tensor.terms]
        nodes, turned = self._placed_all(parts, tensor.order)
        terms = [(t.coefficient, node) for t, node in zip(tensor.terms, nodes, strict=True)]
        if turned:
            return self.arrays.transpose(self.arrays.add(terms, tensor.shape[::-1]))
        return self.arrays.add(terms, tensor.shape)

    def _map(self, tensor: Map) -> Array:
        args, turned = self._placed_all(tensor.args, tensor.order)
        shape = tensor.shape[::-1] if turned else tensor.shape
        if tensor.function in COMPARISONS:
            node = self._comparison(tensor.function, args, shape)
        elif tensor.function == "where" and args[0].op == "number":
            node = self.arrays.full(args[1 if args[0].value else 2], shape)
        elif tensor.function == "where":
            node = self.arrays.make("where", args, shape)
        else:
            node = self.arrays.function(tensor.function, args, shape)
        return self.arrays.transpose(node) if turned else node

    def _comparison(self, function: str, args: Sequence[Array], shape: Shape) -> Array:
        """A comparison; of two numbers it is 1 or 0."""
        if any(arg.op != "number" for arg in args):
            return self.arrays.make("compare", args, shape, function)
        left, right = (arg.value for arg in args)
        holds = {"gt": left > right, "lt": left < right, "ge": left >= right, "le": left <= right}
        return self.arrays.full(self.arrays.number(int(holds[function])), shape)

    def _call(self, tensor: Call) -> Array:
        name, _, axis = tensor.function.rpartition("_")
        if axis.isdigit():
            return moved(self, tensor, name, int(axis))
        special = CALLS.get(tensor.function)
        if special is not None:
            return special(self, tensor)
        args = [self.array(argument) for argument in tensor.args]
        return self.arrays.make(tensor.function, args, tensor.shape)

    def cost(self, tensor: Tensor) -> float:
        """About how many operations a tensor takes, given what is computed already."""
        if tensor in self.known or isinstance(tensor, Variable | Constant | Delta):
            return 0.0
        known = self.costs.get(tensor)
        if known is None:
            known = self.costs[tensor] = self._estimate(tensor)
        return known

    def _estimate(self, tensor: Tensor) -> float:
        if isinstance(tensor, Contraction):
            inside = sum(
                self.cost(t.args[0] if isinstance(t, Call) and t.function == "inverse" else t)
                for t, _, _ in tensor.factors
            )
            axes = tuple(range(tensor.order))
            return inside + Order(tensor, axes, self.products, self.materialised).flops()
        entries = entries_in(tensor.shape) * (1 + len(children(tensor)))
        if isinstance(tensor, Call) and tensor.function in ("inverse", "det", "logdet"):
            entries = entries_in(tensor.args[0].shape) ** 1.5
        return entries + sum(map(self.cost, children(tensor)))

    def _distributed(self, tensor: Contraction) -> Tensor:
        """The product multiplied out over a sum of matrices, where that costs less."""
        best: Tensor = tensor
        axes, dims = tuple(range(tensor.order)), dict(enumerate(tensor.shape))
        for place, (factor, letters, power) in enumerate(tensor.factors):
            if not isinstance(factor, Sum) or factor.order != 2 or power != 1:
                continue
            if factor in self.known or not tensor.summed & set(letters):
                continue
            rest = [f for at, f in enumerate(tensor.factors) if at != place]
            terms = [
                contract(tensor.coefficient, [*rest, (term, letters, ONE)], axes, dims)
                for term in factor.terms
            ]
            wide = add(terms, tensor.shape)
            if self.cost(wide) < self.cost(best):
                best = wide
        return best

    def _contraction(self, tensor: Contraction) -> Lean:
        wide = self._distributed(tensor)
        if wide is not tensor:
            return self.lean(wide)
        kept = tuple(axis for axis in range(tensor.order) if axis in tensor.letters)
        for place, (factor, letters, _) in enumerate(tensor.factors):
            if isinstance(factor, Delta) and tensor.order == 2:
                return self._diagonal(tensor, place, letters), kept
        items = [self.scalar(t, power) for t, ls, power in tensor.factors if not ls]
        shape = tuple(tensor.shape[axis] for axis in kept)
        if any(letters for _, letters, _ in tensor.factors):
            body, letters = self._multiplied(tensor)
            assert letters == kept
            if len(kept) > 2:
                return scaled(self.arrays, tensor.coefficient, items, body), kept
            items.append((body, ONE))
        items = _averaged(self.arrays, items)
        return self.arrays.multiply(tensor.coefficient, items, shape), kept

    def _multiplied(self, tensor: Contraction) -> Lean:
        """The product of the factors that have letters."""
        product = Product(self, tensor, tuple(range(tensor.order)))
        try:
            return product.array()
        except NoOperator:
            pass
        try:
            return Blocks(self, tensor).array()
        except NoBlocks:
            return product.einsum()

    def scalar(self, tensor: Tensor, power: Fraction) -> Powered:
        """A scalar factor."""
        return self.rooted(tensor, power) or (self.array(tensor), power)

    def rooted(self, tensor: Tensor, power: Fraction) -> Powered | None:
        """The root of a sum of squares as a norm, to the power that is left of it."""
        if power.denominator != 2:
            return None
        found = normed_part(tensor)
        if found is not None:
            return self.norm(found[0], bool(tensor.order))[0], 2 * power
        sides = _two_squares(tensor)
        if sides is None:
            return None
        args, turned = self._placed_all(sides, tensor.order)
        node = self.arrays.function("hypot", args, tensor.shape[::-1] if turned else tensor.shape)
        return (self.arrays.transpose(node) if turned else node), 2 * power

    def norm(self, tensor: Tensor, of_rows: bool) -> tuple[Array, bool]:
        """The norm of a tensor or of its rows, and whether it has an axis."""
        inner = self.array(tensor)
        if of_rows:
            return self.arrays.make("row_norms", (inner,), tensor.shape[:-1]), True
        inner = inner.args[0] if inner.op == "transpose" else inner
        return self.arrays.make("norm", (inner,), ()), False

    def _diagonal(self, tensor: Contraction, place: int, letters: Letters) -> Array:
        """Something times an identity matrix: a diagonal matrix."""
        others = [
            (t, tuple(min(letters) if x in letters else x for x in ls), p)
            for at, (t, ls, p) in enumerate(tensor.factors)
            if at != place
        ]
        vector = contract(tensor.coefficient, others, (0,), {0: tensor.shape[0]})
        node, kept = self.lean(vector)
        if kept:
            return self.arrays.make("diag", (node,), tensor.shape)
        return self.arrays.multiply(
            ONE, [(node, ONE), (self.arrays.eye(tensor.shape[0]), ONE)], tensor.shape
        )


def _averaged(arrays: Arrays, items: list[Powered]) -> list[Powered]:
    """Factors with a sum of all entries and a division by their number put together: a mean."""
    for place, (array, power) in enumerate(items):
        if array.op == "sum" and array.value is None and power == 1:
            rest = [item for at, item in enumerate(items) if at != place]
            counts = [(arrays.constant(dim), -ONE) for dim in array.args[0].shape]
            if all(rest.count(count) == counts.count(count) for count in counts):
                kept = [item for item in rest if item not in counts]
                return [*kept, (arrays.make("mean", array.args, ()), ONE)]
    return items


def _two_squares(tensor: Tensor) -> list[tuple[Tensor, Letters]] | None:
    """a and b, if the tensor is a^2 + b^2 entry by entry, and neither is a number."""
    if not isinstance(tensor, Sum) or len(tensor.terms) != 2:
        return None
    sides = []
    for term in tensor.terms:
        if term.coefficient != 1 or len(term.factors) != 1 or term.summed:
            return None
        factor, letters, power = term.factors[0]
        if power != 2:
            return None
        sides.append((factor, letters))
    return sides


def _arguments(formulas: Iterable[Tensor], functions: tuple[str, ...]) -> set[Tensor]:
    """What these functions are applied to, anywhere in the formulas."""
    found: set[Tensor] = set()
    seen: set[Tensor] = set()
    stack = list(formulas)
    while stack:
        tensor = stack.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        if isinstance(tensor, Call) and tensor.function in functions:
            found.add(tensor.args[0])
        stack.extend(children(tensor))
    return found
