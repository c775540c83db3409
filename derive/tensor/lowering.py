"""SymPy matrix expressions lowered to tensors in index notation.

One table for SymPy's nodes (:data:`NODES`); the functions of the language have theirs in
:mod:`derive.tensor.definitions`. A matrix of r rows and c columns becomes a tensor whose axes are
its rows and columns, without those of size 1. What is in neither table is an UnsupportedError that
names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import sympy
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.slice import MatrixSlice

from derive.errors import InputError, UnsupportedError
from derive.shapes import ONE as ONE_DIM
from derive.shapes import Dim, Extent, Shape, as_dim, same
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
    transpose,
    zero,
)
from derive.tensor.definitions import (
    ALONG_COLUMNS,
    ALONG_ROWS,
    NORMALISING,
    PARAMETERS,
    WHOLE,
    inverted,
    single,
    total_product,
)
from derive.tensor.facts import is_symmetric
from derive.tensor.nodes import Constant, Delta, Letters, Tensor
from derive.tensor.recognition import recognise
from derive.vocabulary import (
    Expression,
    MatrixCall,
    ScalarCall,
    call,
    divide,
    extent_of,
)
from derive.vocabulary import multiply as multiplied
from derive.vocabulary import transpose as transposed

__all__ = ["is_row", "lower", "lowered_parts", "tensor_shape"]

HALF = Fraction(1, 2)
ZERO_DIM: Final = sympy.Integer(0)


def tensor_shape(shape: Shape) -> Shape:
    """The shape of a quantity's tensor: axes of size 1 left out."""
    return tuple(dim for dim in shape if not same(dim, ONE_DIM))


def is_row(shape: Shape) -> bool:
    """Whether a quantity of this shape is one row."""
    return len(shape) == 2 and same(shape[0], ONE_DIM) and not same(shape[1], ONE_DIM)


def lower(expression: Expression, names: Mapping[str, Tensor]) -> Tensor:
    """The tensor that a SymPy expression denotes.

    Args:
        expression: Over the symbols of ``names`` and sizes.
        names: Tensor of each variable and of each definition used.

    Raises:
        UnsupportedError: A node or function for which there is no row.
        InputError: A division by zero, or a symbol that is not declared.
    """
    try:
        return _Lowering(names).lower(expression)
    except ZeroDivisionError:
        raise InputError(f"division by zero in {expression}") from None


def lowered_parts(
    expression: Expression, names: Mapping[str, Tensor]
) -> Mapping[Expression, Tensor]:
    """The tensor of an expression and of every part of it that has one."""
    lowering = _Lowering(names)
    lowering.lower(expression)
    return lowering.known


class _Lowering:
    def __init__(self, names: Mapping[str, Tensor]) -> None:
        self.names = names
        self.known: dict[Expression, Tensor] = {}

    def lower(self, expression: Expression) -> Tensor:
        known = self.known.get(expression)
        if known is None:
            for kind in type(expression).__mro__:
                handler = NODES.get(kind)
                if handler is not None:
                    break
            else:
                raise UnsupportedError(
                    f"there is no law for {type(expression).__name__}, in {expression}"
                )
            if handler in OF_SCALARS and any(arg.is_Matrix for arg in expression.args):
                raise UnsupportedError(
                    f"there is no law for the matrix function {expression}",
                    ("entry by entry it is applyfunc, or the function of that name in derive",),
                )
            known = recognise(handler(self, expression))
            self.known[expression] = known
        return known

    def letters(self, expression: Expression, row: int, column: int) -> Letters:
        """The letters of an expression's tensor when its rows and columns carry these."""
        return axes_of(extent_of(expression), row, column)


def axes_of(extent: Extent, row: int, column: int) -> Letters:
    """Which of two letters are axes of the tensor of a matrix of this extent."""
    rows, columns = extent
    found = () if same(rows, ONE_DIM) else (row,)
    return found if same(columns, ONE_DIM) else (*found, column)


def _dims(extent: Extent) -> dict[int, Dim]:
    return dict(enumerate(extent))


def _shape(expression: Expression) -> Shape:
    return tensor_shape(extent_of(expression))


def _spread(low: _Lowering, expression: Expression, extent: Extent) -> tuple[Tensor, Letters]:
    """An operand's tensor, with the axes of a result of this extent that it lies along."""
    tensor = low.lower(expression)
    result = axes_of(extent, 0, 1)
    own = axes_of(extent_of(expression), 0, 1)
    return tensor, tuple(result.index(axis) for axis in own)


def _number(_: _Lowering, expression: Any) -> Tensor:
    if isinstance(expression, sympy.Rational):
        return number(Fraction(int(expression.p), int(expression.q)))
    if isinstance(expression, sympy.Float):
        return number(Fraction(float(expression)))
    if expression.is_finite is False or expression.is_real is False:
        raise UnsupportedError(f"{expression} is not a real number")
    return Constant(expression)


def _symbol(low: _Lowering, expression: Any) -> Tensor:
    known = low.names.get(expression.name)
    return known if known is not None else Constant(as_dim(expression))


def _matrix_symbol(low: _Lowering, expression: Any) -> Tensor:
    known = low.names.get(expression.name)
    if known is None:
        raise InputError(f"{expression.name} is not declared")
    return known


def _add(low: _Lowering, expression: Any) -> Tensor:
    shape = _shape(expression)
    return add((low.lower(term) for term in expression.args), shape)


def _scalar_product(low: _Lowering, expression: Any) -> Tensor:
    return contract(1, [(low.lower(factor), ()) for factor in expression.args])


def _scalar_power(low: _Lowering, expression: Any) -> Tensor:
    base, exponent = expression.args
    if base == sympy.E:
        return apply("exp", [(low.lower(exponent), ())], ())
    if base.is_Number and isinstance(exponent, sympy.Rational):
        return _number(low, expression)
    return _entrywise_power(low.lower(base), exponent, low)


def _entrywise_power(base: Tensor, exponent: Any, low: _Lowering) -> Tensor:
    """Every entry of ``base`` to a scalar power."""
    axes = tuple(range(base.order))
    if isinstance(exponent, sympy.Rational):
        power = Fraction(int(exponent.p), int(exponent.q))
        if power == 0:
            return ones(base.shape)
        factors = [(base, axes, power)]
        return contract(1, factors, axes, dict(enumerate(base.shape)))
    return apply("power", [(base, axes), (low.lower(exponent), ())], base.shape)


def _matrix_product(low: _Lowering, expression: Any) -> Tensor:
    factors: list[tuple[Tensor, Letters]] = []
    letter = 0
    dims: dict[int, Dim] = {}
    for factor in expression.args:
        tensor = low.lower(factor)
        if not factor.is_Matrix:
            factors.append((tensor, ()))
            continue
        factors.append((tensor, low.letters(factor, letter, letter + 1)))
        dims[letter], dims[letter + 1] = factor.shape
        letter += 1
    return contract(1, factors, low.letters(expression, 0, letter), dims)


def _hadamard_product(low: _Lowering, expression: Any) -> Tensor:
    return multiply(*(low.lower(factor) for factor in expression.args))


def _hadamard_power(low: _Lowering, expression: Any) -> Tensor:
    base, exponent = expression.args
    return _entrywise_power(low.lower(base), exponent, low)


def _transpose(low: _Lowering, expression: Any) -> Tensor:
    return transpose(low.lower(expression.args[0]))


def _inverse(low: _Lowering, expression: Any) -> Tensor:
    return inverted(low.lower(expression.args[0]))


def _matrix_power(low: _Lowering, expression: Any) -> Tensor:
    base, exponent = expression.args
    if not isinstance(exponent, sympy.Integer):
        raise UnsupportedError(f"the exponent of {base} is not a whole number")
    tensor, count = low.lower(base), int(exponent)
    if not tensor.order:
        return _entrywise_power(tensor, exponent, low)
    if count == 0:
        return Delta(tensor.shape[0])
    if abs(count) > 64:
        raise UnsupportedError(f"a matrix power above 64, got {base}^{count}")
    if count < 0:
        tensor, count = inverted(tensor), -count
    return contract(1, [(tensor, (k, k + 1)) for k in range(count)], (0, count))


def _trace(low: _Lowering, expression: Any) -> Tensor:
    tensor = low.lower(expression.args[0])
    return contract(1, [(tensor, (0, 0))]) if tensor.order else tensor


def _determinant(low: _Lowering, expression: Any) -> Tensor:
    tensor = low.lower(expression.args[0])
    return invoke("det", [tensor], ()) if tensor.order else tensor


def _diag(low: _Lowering, expression: Any) -> Tensor:
    argument = expression.args[0]
    tensor = low.lower(argument)
    if not tensor.order:
        return tensor
    return contract(1, [(tensor, (0,)), (Delta(tensor.shape[0]), (0, 1))], (0, 1))


def _diagonal_part(low: _Lowering, expression: Any) -> Tensor:
    tensor = low.lower(expression.args[0])
    if tensor.order < 2:
        return tensor
    return contract(1, [(tensor, (0, 0)), (Delta(tensor.shape[0]), (0, 1))], (0, 1))


def _diagonal(low: _Lowering, expression: Any) -> Tensor:
    tensor = low.lower(expression.args[0])
    return contract(1, [(tensor, (0, 0))], (0,)) if tensor.order == 2 else tensor


def _ones(_: _Lowering, expression: Any) -> Tensor:
    return ones(_shape(expression))


def _zeros(_: _Lowering, expression: Any) -> Tensor:
    return zero(_shape(expression))


def _identity(_: _Lowering, expression: Any) -> Tensor:
    shape = _shape(expression)
    return Delta(shape[0]) if shape else number(1)


def _apply_function(low: _Lowering, expression: Any) -> Tensor:
    """``applyfunc``: a scalar function given as a SymPy lambda."""
    tensor = low.lower(expression.expr)
    (symbol,) = expression.function.variables
    return _Entrywise(symbol, tensor).lower(expression.function.expr)


class _Entrywise(_Lowering):
    """Lowers a scalar formula in one symbol, which stands for every entry of an array."""

    def __init__(self, symbol: Any, tensor: Tensor) -> None:
        super().__init__({})
        self.shape = tensor.shape
        self.known[symbol] = tensor

    def lower(self, expression: Expression) -> Tensor:
        known = self.known.get(expression)
        if known is not None:
            return known
        parts = [self.lower(part) for part in expression.args]
        axes = tuple(range(len(self.shape)))
        if isinstance(expression, sympy.Add):
            known = add((relabel(p, axes[: p.order], self.shape) for p in parts), self.shape)
        elif isinstance(expression, sympy.Mul):
            known = multiply(*parts)
        elif isinstance(expression, sympy.Pow) and expression.base != sympy.E:
            known = _entrywise_power(parts[0], expression.exp, self)
        elif type(expression) in SCALAR_FUNCTIONS:
            name = SCALAR_FUNCTIONS[type(expression)]
            known = _call_entrywise(
                name, [(part, axes[: part.order]) for part in parts], self.shape
            )
        else:
            known = super().lower(expression)
        return self.known.setdefault(expression, recognise(known))


def _affine(low: _Lowering, expression: Any) -> Tensor:
    weight, x, bias = expression.operands
    product = _matrix_product(low, sympy.MatMul(weight, x)) if weight.is_Matrix else None
    extent = extent_of(expression)
    shape = tensor_shape(extent)
    if product is None:
        product = multiply(low.lower(weight), low.lower(x))
    tensor, letters = _spread(low, bias, extent)
    return add([product, relabel(tensor, letters, shape)], shape)


def _unknown(_: _Lowering, expression: Any) -> Tensor:
    raise UnsupportedError(f"there is no law for {type(expression).__name__}, in {expression}")


def _scalar_function(low: _Lowering, expression: Any) -> Tensor:
    name = SCALAR_FUNCTIONS.get(type(expression))
    if name is None:
        raise UnsupportedError(f"there is no law for the function {type(expression).__name__}")
    return _call_entrywise(name, [(low.lower(arg), ()) for arg in expression.args], ())


def _call_entrywise(name: str, args: list[tuple[Tensor, Letters]], shape: Shape) -> Tensor:
    """A function of the language entry by entry, powers and piecewise forms written as such."""
    if name in ("max", "min") and len(args) > 2:
        result = _call_entrywise(name, args[:2], shape)
        axes = tuple(range(len(shape)))
        return _call_entrywise(name, [(result, axes[: result.order]), *args[2:]], shape)
    if name in ("sqrt", "square"):
        tensor, letters = args[0]
        power = HALF if name == "sqrt" else Fraction(2)
        return contract(
            1, [(tensor, letters, power)], tuple(range(len(shape))), dict(enumerate(shape))
        )
    return apply(name, args, shape)


def _normalising(low: _Lowering, expression: Any) -> Tensor:
    """``gamma .* normalised(X) + beta``; the parameters lie along one axis, or are numbers."""
    function, along, parameters = NORMALISING[expression.name]
    given = [low.lower(operand) for operand in expression.operands]
    (gamma, *beta, epsilon) = (*given[1:], *PARAMETERS[function][len(given) - 1 :])
    extent, tensor = extent_of(expression), given[0]
    free, dims, shape = axes_of(extent, 0, 1), _dims(extent), _shape(expression)
    if along in free:
        turned = (*(axis for axis in free if axis != along), along)
        moved = contract(1, [(tensor, free)], turned)
        normalised = invoke(function, [moved, epsilon], moved.shape)
        body = contract(1, [(normalised, turned)], free)
    else:
        body = single(function, tensor, epsilon)
    lie = (free.index(parameters),) if parameters in free else ()
    terms = [contract(1, [(body, free), (gamma, (parameters,)[: gamma.order])], free, dims)]
    terms += [relabel(shift, lie[: shift.order], shape) for shift in beta]
    return add(terms, shape)


def _attention(low: _Lowering, expression: Any) -> Tensor:
    """The softmax of each row of ``Q*K'/sqrt(d)``, times V."""
    query, key, value = expression.operands
    size = extent_of(query)[1]
    scores = call("rowsoftmax", divide(multiplied(query, transposed(key)), sympy.sqrt(size)))
    return low.lower(multiplied(scores, value))


def _solve(low: _Lowering, expression: Any) -> Tensor:
    matrix, right = expression.operands
    if not matrix.is_Matrix:
        return multiply(low.lower(right), inverted(low.lower(matrix)))
    inverse = inverted(low.lower(matrix))
    letters = low.letters(right, 2, 1)
    factors = [(inverse, low.letters(matrix, 0, 2)), (low.lower(right), letters)]
    return contract(1, factors, low.letters(expression, 0, 1), _dims(extent_of(expression)))


def _triangle(low: _Lowering, expression: Any) -> Tensor:
    """The entries on one side of the diagonal, and the diagonal."""
    (operand,) = expression.operands
    tensor, extent = low.lower(operand), extent_of(expression)
    lower_part = expression.name == "tril"
    rows, columns = extent if lower_part else extent[::-1]
    if same(rows, ONE_DIM) and same(columns, ONE_DIM):
        return tensor
    if same(columns, ONE_DIM):
        return tensor
    free, dims = axes_of(extent, 0, 1), _dims(extent)
    if same(rows, ONE_DIM):
        first = incidence.select(ZERO_DIM, None, columns)
        return contract(1, [(tensor, free), (first, free)], free, dims)
    letters = (0, 1) if lower_part else (1, 0)
    return contract(1, [(tensor, free), (incidence.lower(rows, columns), letters)], free, dims)


def _placed(tensor: Tensor, extent: Extent, axis: int, start: Dim, whole: Extent) -> Tensor:
    """An array as a block of a larger one that is 0 elsewhere."""
    own, count, size = axes_of(extent, 0, 1), extent[axis], whole[axis]
    free = axes_of(whole, 0, 1)
    if axis not in own:
        unit = incidence.select(start, None, size)
        return contract(1, [(tensor, own), (unit, (axis,))], free, _dims(whole))
    letters = tuple(2 if letter == axis else letter for letter in own)
    rows = incidence.select(start, count, size)
    return contract(1, [(tensor, letters), (rows, (2, axis))], free, _dims(whole))


def _joined(low: _Lowering, expression: Any) -> Tensor:
    """``hcat`` and ``vcat``: each block in its place, added."""
    axis = 0 if expression.name == "vcat" else 1
    whole = extent_of(expression)
    start, terms = ZERO_DIM, []
    for operand in expression.operands:
        extent = extent_of(operand)
        terms.append(_placed(low.lower(operand), extent, axis, start, whole))
        start = start + extent[axis]
    return add(terms, _shape(expression))


def _selection(low: _Lowering, parent: Any, ranges: tuple[tuple[Dim, Dim | None], ...]) -> Tensor:
    """Rows and columns of an array; each range is a start and a count, or an index and None."""
    extent = extent_of(parent)
    letters = axes_of(extent, 0, 1)
    factors: list[tuple[Tensor, Letters]] = [(low.lower(parent), letters)]
    free: list[int] = []
    dims: dict[int, Dim] = {}
    for axis, (start, count) in enumerate(ranges):
        if axis not in letters:
            continue
        if count is None or same(count, ONE_DIM):
            factors.append((incidence.select(start, None, extent[axis]), (axis,)))
            continue
        factors.append((incidence.select(start, count, extent[axis]), (2 + axis, axis)))
        free.append(2 + axis)
        dims[2 + axis] = count
    return contract(1, factors, tuple(free), dims)


def _element(low: _Lowering, expression: Any) -> Tensor:
    parent, row, column = expression.args
    return _selection(low, parent, ((_place(low, row), None), (_place(low, column), None)))


def _place(low: _Lowering, index: Any) -> Dim:
    """An index that is a number or made of sizes.

    Raises:
        UnsupportedError: It is computed.
    """
    if any(symbol.name in low.names for symbol in index.free_symbols):
        raise UnsupportedError(f"the index {index} is computed; numbers and sizes can be indices")
    return as_dim(index) if not index.is_Integer else index


def _slice(low: _Lowering, expression: Any) -> Tensor:
    ranges = []
    for start, stop, step in (expression.rowslice, expression.colslice):
        if step != 1:
            raise UnsupportedError(f"a slice with step {step}; only step 1 is supported")
        begin = _place(low, sympy.sympify(start))
        ranges.append((begin, sympy.expand(_place(low, sympy.sympify(stop)) - begin)))
    return _selection(low, expression.parent, tuple(ranges))


def _vec(low: _Lowering, expression: Any) -> Tensor:
    """The columns of a matrix one below the other."""
    (operand,) = expression.operands
    tensor = low.lower(operand)
    if tensor.order < 2:
        return tensor
    rows, columns = tensor.shape
    return contract(1, [(tensor, (2, 1)), (incidence.pair(columns, rows), (0, 1, 2))], (0,))


def _unvec(low: _Lowering, expression: Any) -> Tensor:
    """The matrix whose columns, one below the other, are a vector."""
    tensor, (rows, columns) = low.lower(expression.operands[0]), extent_of(expression)
    if same(rows, ONE_DIM) or same(columns, ONE_DIM):
        return tensor
    return contract(1, [(tensor, (2,)), (incidence.pair(columns, rows), (2, 1, 0))], (0, 1))


def _commutation(_: _Lowering, expression: Any) -> Tensor:
    """The matrix that takes ``vec(X)`` to ``vec(X')``, for X (m, n)."""
    rows, columns = (as_dim(operand) for operand in expression.operands)
    if same(rows, ONE_DIM) or same(columns, ONE_DIM):
        return _identity(_, expression)
    turned, straight = incidence.pair(rows, columns), incidence.pair(columns, rows)
    return contract(1, [(turned, (0, 2, 3)), (straight, (1, 3, 2))], (0, 1))


def _kronecker(low: _Lowering, expression: Any) -> Tensor:
    """``kron(A, B)``: entry (i, k) of A times B is block (i, k)."""
    operands = getattr(expression, "operands", expression.args)
    if len(operands) > 2:
        return low.lower(call("kron", call("kron", *operands[:2]), *operands[2:]))
    left, right = operands
    factors = [
        (low.lower(left), low.letters(left, 2, 3)),
        (low.lower(right), low.letters(right, 4, 5)),
    ]
    whole = extent_of(expression)
    free = []
    for axis, (outer, inner) in enumerate(zip(extent_of(left), extent_of(right), strict=True)):
        first, second = 2 + axis, 4 + axis
        if same(outer, ONE_DIM) and same(inner, ONE_DIM):
            continue
        if same(outer, ONE_DIM) or same(inner, ONE_DIM):
            free.append(second if same(outer, ONE_DIM) else first)
            continue
        factors.append((incidence.pair(outer, inner), (axis, first, second)))
        free.append(axis)
    return contract(1, factors, tuple(free), _dims(whole))


def _factored(low: _Lowering, expression: Any) -> Tensor:
    """The Cholesky factor of what is known to be symmetric."""
    (operand,) = expression.operands
    tensor = low.lower(operand)
    if tensor.order and not is_symmetric(tensor):
        raise InputError(
            f"cholesky needs a symmetric positive definite matrix, and {operand} is not known "
            "to be one",
            ("declare it: A : (n, n) positive_definite",),
        )
    return WHOLE["cholesky"](tensor)


OWN: Final[Mapping[str, Callable[[_Lowering, Any], Tensor]]] = {
    "affine": _affine,
    "attention": _attention,
    "solve": _solve,
    "tril": _triangle,
    "triu": _triangle,
    "hcat": _joined,
    "vcat": _joined,
    "vec": _vec,
    "unvec": _unvec,
    "commutation": _commutation,
    "kron": _kronecker,
    "cholesky": _factored,
    **dict.fromkeys(NORMALISING, _normalising),
}
"""Functions whose tensor depends on the extents of their arguments."""


def _call(low: _Lowering, expression: Any) -> Tensor:
    name, operands = expression.name, expression.operands
    if name in OWN:
        return OWN[name](low, expression)
    row = WHOLE.get(name)
    if row is not None:
        return row(*(low.lower(operand) for operand in operands))
    if name in ALONG_ROWS:
        tensor = low.lower(operands[0])
        whole, single = ALONG_ROWS[name]
        return (single if same(extent_of(operands[0])[1], ONE_DIM) else whole)(tensor)
    if name in ALONG_COLUMNS:
        tensor = transpose(low.lower(operands[0]))
        whole, single = ALONG_ROWS[ALONG_COLUMNS[name]]
        return (single if same(extent_of(operands[0])[0], ONE_DIM) else whole)(tensor)
    if name == "rowsoftmax_cross_entropy":
        logits, labels = operands
        return scale(
            -1, total_product(low.lower(labels), low.lower(MatrixCall("rowlog_softmax", logits)))
        )
    extent = extent_of(expression)
    args = [_spread(low, operand, extent) for operand in operands]
    return _call_entrywise(name, args, tensor_shape(extent))


NODES: Final[Mapping[type, Callable[[_Lowering, Any], Tensor]]] = {
    sympy.Number: _number,
    sympy.NumberSymbol: _number,
    sympy.Symbol: _symbol,
    sympy.MatrixSymbol: _matrix_symbol,
    sympy.Add: _add,
    sympy.MatAdd: _add,
    sympy.Mul: _scalar_product,
    sympy.MatMul: _matrix_product,
    sympy.Pow: _scalar_power,
    sympy.MatPow: _matrix_power,
    sympy.Inverse: _inverse,
    sympy.Transpose: _transpose,
    sympy.Trace: _trace,
    sympy.Determinant: _determinant,
    sympy.HadamardProduct: _hadamard_product,
    sympy.HadamardPower: _hadamard_power,
    sympy.OneMatrix: _ones,
    sympy.ZeroMatrix: _zeros,
    sympy.Identity: _identity,
    sympy.MatrixExpr: _unknown,
    DiagMatrix: _diag,
    DiagonalMatrix: _diagonal_part,
    DiagonalOf: _diagonal,
    ElementwiseApplyFunction: _apply_function,
    sympy.matrices.expressions.matexpr.MatrixElement: _element,
    MatrixSlice: _slice,
    sympy.KroneckerProduct: _kronecker,
    sympy.Function: _scalar_function,
    sympy.Max: _scalar_function,
    sympy.Min: _scalar_function,
    MatrixCall: _call,
    ScalarCall: _call,
}
"""How each SymPy node is lowered; the nearest class in its ancestry counts."""

OF_SCALARS: Final = (_scalar_function, _scalar_power, _scalar_product)
"""Handlers of nodes whose arguments are numbers; with matrices in them they mean something else."""

SCALAR_FUNCTIONS: Final[Mapping[type, str]] = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.Abs: "abs",
    sympy.sign: "sign",
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.erf: "erf",
    sympy.Max: "max",
    sympy.Min: "min",
}
"""SymPy's scalar functions, by their names in the language."""
