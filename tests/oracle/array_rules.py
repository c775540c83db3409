"""Trees of blocks, joined arrays, Kronecker products, linear algebra and layers: a rule a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.sizes import Dim, minus, plus, split, times
from tests.oracle.tree import SCALAR, Node, Shape, block, call, extent, number

if TYPE_CHECKING:
    from tests.oracle.writer import Writer

__all__ = [
    "attention",
    "blocked",
    "columnwise",
    "commuting",
    "joined",
    "kronecker",
    "normalised",
    "of_array",
    "pseudo_inverse",
    "solved",
    "square_function",
    "triangle",
    "unvectorised",
    "vectorised",
]


def blocked(w: Writer, shape: Shape, depth: int) -> Node:
    """An entry or a block of something larger."""
    rows, columns = shape
    if columns == 1 and w.chance(0.5):
        choice, size = _choice(w, rows)
        return block(w.expression((size, 1), depth), choice)
    down, size = _choice(w, rows) if w.chance(0.6) else (":", rows)
    across, other = _choice(w, columns) if down == ":" or w.chance(0.4) else (":", columns)
    return block(w.expression((size, other), depth), down, across)


def _choice(w: Writer, wanted: Dim) -> tuple[str, Dim]:
    """What to choose from an axis to get so many, and the size of that axis."""
    if wanted == 1:
        size = w.dim()
        if "- 1" in str(size):
            size = w.dims[0]
        ends = ["0", "-1", ":1", "0:1", "-1:"] if isinstance(size, str) else []
        if isinstance(size, int):
            ends = [str(w.random.randrange(-size, size))]
        elif size.isidentifier():
            ends += [str(minus(size, 1)), f"{minus(size, 1)}:"]
        return w.choose(*ends), size
    parts = split(wanted)
    if parts and parts[0] == "-":
        return w.choose("1:", ":-1", f":{wanted}", f"1:{parts[1]}"), parts[1]
    other = w.dim() if isinstance(wanted, str) or w.chance(0.5) else 1
    if not (isinstance(other, int) or other.isidentifier()) or "- 1" in str(wanted):
        other = 1
    size = plus(wanted, other)
    kinds = [f":{wanted}", f"0:{wanted}", f"{other}:", f"{other}:{size}"]
    if isinstance(other, int):
        kinds += [f":-{other}"]
    return w.choose(*kinds), size


def joined(w: Writer, shape: Shape, depth: int) -> Node:
    """Arrays one below the other or side by side."""
    axes = [axis for axis, dim in enumerate(shape) if _parts(dim)]
    if not axes:
        return blocked(w, shape, depth)
    axis = w.random.choice(axes)
    first, second = _parts(shape[axis]) or (0, 0)
    if w.chance(0.3):
        first, second = second, first
    sizes = [first, second]
    if (more := _parts(second)) and w.chance(0.3):
        sizes = [first, *more]
    shapes = [(size, shape[1]) if axis == 0 else (shape[0], size) for size in sizes]
    return call("vcat" if axis == 0 else "hcat", *(w.expression(own, depth) for own in shapes))


def _parts(dim: Dim) -> tuple[Dim, Dim] | None:
    if isinstance(dim, int):
        return (1, dim - 1) if dim > 1 else None
    parts = split(dim)
    if parts and parts[:2] == ("*", 2):
        return parts[2], parts[2]
    return parts[1:] if parts and parts[0] == "+" else None


def kronecker(w: Writer, shape: Shape, depth: int) -> Node:
    """A Kronecker product."""
    (first, second), (left, right) = (_factors(w, dim) for dim in shape)
    return call("kron", w.expression((first, left), depth), w.expression((second, right), depth))


def _factors(w: Writer, dim: Dim) -> tuple[Dim, Dim]:
    parts = split(dim)
    found = parts[1:] if parts and parts[0] == "*" else (dim, 1)
    return found if w.chance(0.5) else (found[1], found[0])


def vectorised(w: Writer, shape: Shape, depth: int) -> Node:
    """The columns of a matrix, one below the other."""
    return call("vec", w.expression(_factors(w, shape[0]), depth))


def unvectorised(w: Writer, shape: Shape, depth: int) -> Node:
    """A matrix of a long column."""
    if any("- 1" in str(dim) for dim in shape):
        return blocked(w, shape, depth)
    long = w.expression((times(*shape), 1), depth)
    return call("unvec", long, *map(extent, shape))


def commuting(w: Writer, shape: Shape, depth: int) -> Node:
    """A commutation matrix."""
    return call("commutation", *map(extent, _factors(w, shape[0])))


def triangle(w: Writer, shape: Shape, depth: int) -> Node:
    """A matrix without what is above or below its diagonal."""
    return call(w.choose("tril", "triu"), w.expression(shape, depth))


def solved(w: Writer, shape: Shape, depth: int) -> Node:
    """The solution of linear equations."""
    return call("solve", w.invertible(shape[0], depth), w.expression(shape, depth))


def pseudo_inverse(w: Writer, shape: Shape, depth: int) -> Node:
    """A pseudo-inverse, most often of what has no dependent columns."""
    turned = (shape[1], shape[0])
    plain = w.may_declare(turned) and w.chance(0.7)
    inner = w.declare(turned) if plain else w.expression(turned, depth)
    return call("pinv", call("tanh", inner) if w.chance(0.3) else inner)


def square_function(w: Writer, shape: Shape, depth: int) -> Node:
    """A function of square matrices."""
    name = w.choose("expm", "expm", "cholesky", "cholesky", "expm_frechet")
    if name == "cholesky":
        return call(name, w.definite(shape[0], depth))
    if name == "expm":
        inner = w.expression(shape, depth)
        kind = w.choose("plain", "tanh", "half")
        if kind == "tanh":
            inner = call("tanh", inner)
        return call(name, call("/", inner, number("2")) if kind == "half" else inner)
    if not w.may_declare(shape):
        return call("expm", w.expression(shape, depth))
    at = w.declare(shape, "")
    w.unasked.add(at.word)
    return call(name, at, w.expression(shape, depth))


def normalised(w: Writer, shape: Shape, depth: int) -> Node:
    """A normalising layer."""
    names = ["rowlayernorm", "batchnorm", "rowrmsnorm"]
    if shape[1] == 1:
        names = ["layernorm", "rmsnorm"]
    name = w.choose(*names)
    along = shape[0] if shape[1] == 1 else shape[1]
    count = w.random.choice((0, 1, 1, 2) if "rms" in name else (0, 0, 1, 2, 2, 3))
    thin: list[Shape] = [(along, 1), (1, along), SCALAR]
    kinds = [w.random.choice(thin) for _ in range(count)]
    more = [w.expression(kind, depth - 1) for kind in kinds]
    if count == (2 if "rms" in name else 3):
        more[-1] = number(w.choose("0.1", "0.001")) if w.chance(0.5) else w.positive(SCALAR, 0)
    return call(name, w.expression(shape, depth), *more)


def attention(w: Writer, shape: Shape, depth: int) -> Node:
    """Softmax-weighted rows."""
    inner, keys = w.dim(), w.dim()
    shapes = [(shape[0], inner), (keys, inner), (keys, shape[1])]
    return call("attention", *(w.expression(own, depth) for own in shapes))


def of_array(w: Writer, shape: Shape, depth: int) -> Node:
    """One number from all entries: an extreme, a product, a variance."""
    name = w.choose("prod", "max", "min", "norminf", "var")
    return call(name, w.argument(depth))


def columnwise(w: Writer, shape: Shape, depth: int) -> Node:
    """The extreme or the variance of each column or of each row."""
    if shape[0] == 1 and (shape[1] != 1 or w.chance(0.5)):
        return call(
            w.choose("colmax", "colmin", "colvar"), w.expression((w.dim(), shape[1]), depth)
        )
    return call(w.choose("rowmax", "rowmin", "rowvar"), w.expression((shape[0], w.dim()), depth))
