"""The lines of one generated function: what it computes, in which order, under which names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from derive.emit.numpy_code.arrays import (
    CHEAP,
    VIEWS,
    Array,
    Arrays,
    core_of,
    dims_in,
    is_boolean,
    is_floating,
)
from derive.emit.numpy_code.blocks import scaled, spread
from derive.emit.numpy_code.branches import PARTIAL
from derive.emit.numpy_code.entries import Entries, Part, entries
from derive.emit.numpy_code.factors import Form, Leaf, factored
from derive.emit.numpy_code.formulas import Formulas, thinned
from derive.emit.numpy_code.lowering import TensorLowering
from derive.emit.numpy_code.names import Names, identifier
from derive.emit.numpy_code.text import Writer
from derive.shapes import Dim, Shape
from derive.tensor.algebra import as_contraction, scale
from derive.tensor.nodes import Call, Letters, Tensor, Variable
from derive.tensor.substitution import variables_of

__all__ = ["Line", "Matrix", "Plan", "plan"]

WIDTH: Final = 96
"""Characters of a line inside a function."""


@dataclass(frozen=True, slots=True)
class Line:
    """``name = text``, with the shape of the value; or another assignment than ``=``."""

    name: str
    text: str
    shape: str
    forward: bool
    sign: str = "="


@dataclass(frozen=True, slots=True)
class Matrix:
    """An output that is a derivative over the vecs of two arrays.

    Attributes:
        first, second: The shapes of the arrays.
        structured: Whether its factors are wanted as well.
        unfolded: Whether it is over the axes of the arrays, not over their vecs.
    """

    first: Shape
    second: Shape
    structured: bool = False
    unfolded: bool = False


@dataclass
class Plan:
    """One function, planned.

    Attributes:
        lines: In order of computation.
        outputs: For each output the expression to return, before its declared shape is restored.
        bases: For each output the array whose memory it may share.
        factors: The factors of a matrix as an expression; empty without structure.
        apart: Lines that only the factors need.
        shared: So many lines come before these.
        lengths: Of a further argument's axes, where they are no name and no number.
        classes: Of the factors.
        inputs: Names of the given variables that are used, as the problem has them.
        sizes: Sizes that are used as numbers.
        helpers: Functions of the module's own that are called.
        uses_math: Whether the lines use Python's ``math``.
        guarded: Whether a choice has a branch that may leave its domain where it is not taken.
    """

    lines: list[Line]
    outputs: dict[str, str]
    bases: dict[str, str]
    factors: str
    apart: list[Line]
    shared: int
    lengths: Mapping[Dim, str]
    classes: list[str]
    inputs: set[str]
    sizes: list[str]
    helpers: list[str]
    uses_math: bool
    guarded: bool


def plan(
    formulas: Formulas,
    outputs: Mapping[str, Tensor],
    given: Sequence[Variable],
    names: Names,
    likes: Mapping[str, Variable],
    matrices: Mapping[str, Matrix],
    lengths: Collection[Dim] = (),
) -> Plan:
    """Plan the computation of some outputs.

    Args:
        formulas: Of the sweep.
        outputs: Tensors by the names that they get where they have none.
        given: The inputs there are.
        names: Of the module.
        likes: For outputs that are gradients with respect to an input, that input.
        matrices: What is said of outputs that are Jacobians and Hessians.
        lengths: Of a further argument's axes, to be written as well.
    """
    written = {label: formulas.written(tensor) for label, tensor in outputs.items()}
    materialised: set[Tensor] = set()
    while True:
        planner = _Planner(formulas, written, given, names, likes, matrices, materialised)
        bare = planner.bare_inverses()
        if bare <= materialised:
            return planner.plan(lengths)
        materialised |= bare


class _Planner:
    """Lowers everything that is needed, names what is shared, and puts lines in order."""

    def __init__(
        self,
        formulas: Formulas,
        outputs: Mapping[str, Tensor],
        given: Sequence[Variable],
        names: Names,
        likes: Mapping[str, Variable],
        matrices: Mapping[str, Matrix],
        materialised: set[Tensor],
    ) -> None:
        self.formulas, self.module_names, self.likes = formulas, names, likes
        self.matrices = matrices
        formulas, outputs = thinned(formulas, outputs, matrices)
        self.wholes = {
            label: self._entries(outputs[label], matrix) for label, matrix in matrices.items()
        }
        parts = [part.value for whole in self.wholes.values() for part in whole.parts]
        ends = [*(t for label, t in outputs.items() if label not in matrices), *parts]
        needed = formulas.needed(ends)
        self.arrays = Arrays()
        self.variables = _named(self.arrays, (*given, *needed))
        everything = [*(formulas.of[v] for v in needed), *ends]
        self.lowering = TensorLowering(self.arrays, self.variables, everything, materialised)
        self.roots: dict[Array, Array] = {}
        self.forward: dict[Array, bool] = {}
        for variable in needed:
            name = self.variables[variable]
            self.roots[name] = self.lowering.define(formulas.of[variable], name)
            self.forward[name] = variable in formulas.forward
        self.given = {self.variables[variable]: variable.name for variable in given}
        self.form: Form | None = None
        self.leaves: dict[Leaf, Array] = {}
        self.assembled: list[Array] = []
        self.results = {
            label: self._matrix(label) if label in matrices else self._result(label, tensor)
            for label, tensor in outputs.items()
        }
        self.owner: dict[Array, Array] = {}
        self.named: dict[Array, str] = {}
        self.used = {str(name.value) for name in self.variables.values()}
        self.logarithms = {
            formula.args[0]: f"log_{variable.name}"
            for variable, formula in formulas.of.items()
            if isinstance(formula, Call) and formula.function == "softmax"
        }
        self.sizes: dict[str, str] = {}
        like = self._like(given, everything)
        self.writer = Writer(
            self.named,
            self.sizes,
            (names.numpy, names.math),
            "" if like is None else identifier(like.name),
        )
        self.like = like
        self.lines: list[Line] = []
        self.inputs: set[str] = set()

    def _entries(self, tensor: Tensor, matrix: Matrix) -> Entries:
        """A Jacobian or Hessian part by part, over variables that have formulas."""
        labels, unfolded = self.formulas.labels, matrix.unfolded
        whole = entries(tensor, matrix.first, matrix.second, labels, unfolded=unfolded)
        parts = (Part(part.axes, self.formulas.written(part.value)) for part in whole.parts)
        return replace(whole, parts=tuple(parts))

    def _like(self, given: Sequence[Variable], formulas: Sequence[Tensor]) -> Variable | None:
        """The given array whose precision new arrays get; for matrices one that they depend on."""
        arrays = [variable for variable in given if variable.order] or [*given]
        if self.matrices:
            used = {variable for formula in formulas for variable in variables_of(formula)}
            arrays.sort(key=lambda variable: variable not in used)
        return arrays[0] if arrays else None

    def _result(self, label: str, tensor: Tensor) -> Array:
        node = self.lowering.array(tensor)
        if is_boolean(node):
            node = self.arrays.make("floating", (node,), node.shape)
        like = self.likes.get(label)
        if node.op == "full" and like is not None and like.shape == node.shape:
            args = (node.args[0], self.variables[like])
            node = self.arrays.make("full_like", args, node.shape)
        inner = node.args[0] if node.op == "full" else node
        inner = inner.args[0] if inner.op == "expand" else inner
        if node.op == "number" or (inner.op == "name" and inner.order < 2) or node.op == "name":
            return node
        name = self.arrays.name(label, node.shape)
        self.roots[name], self.forward[name] = node, False
        return name

    def _matrix(self, label: str) -> Array:
        """A Jacobian or Hessian; its parts are put together in place."""
        whole = self.wholes[label]
        if self.matrices[label].structured:
            self.form = factored(whole)
            self.leaves = {leaf: self._leaf(leaf) for leaf in _leaves(self.form)}
        axes = tuple(range(len(whole.shape)))
        if len(whole.parts) == 1 and whole.parts[0].axes == axes:
            node = self._result(label, whole.parts[0].value)
            if node in self.roots:
                self.roots[node] = self._laid_out(self.roots[node])
        else:
            node = self.arrays.name(label, whole.shape)
            self.roots[node], self.forward[node] = self._assembly(whole), False
        self.assembled.append(node)
        return self.arrays.reshape(node, whole.matrix_shape)

    def _assembly(self, whole: Entries) -> Array:
        """The parts, one that fills the whole first; all but the first without their signs."""
        axes = tuple(range(len(whole.shape)))
        parts = sorted(whole.parts, key=lambda part: (not self._fills(part, axes), _sign(part) < 0))
        args, marks = [], []
        for place, part in enumerate(parts):
            sign = _sign(part) if place else 1
            node, kept = self.lowering.lean(scale(sign, part.value))
            if is_boolean(node) and not place:
                node = self.arrays.make("floating", (node,), node.shape)
            order = tuple(dict.fromkeys(part.axes))
            args.append(self._laid_out(spread(self.arrays, node, kept, order)))
            marks.append((part.axes, sign))
        return self.arrays.make("assembled", args, whole.shape, tuple(marks))

    def _laid_out(self, node: Array) -> Array:
        """An array as the start of a matrix: row by row, a number multiplied where it is cheap."""
        if node.op == "broadcast":
            first, second = node.args
            if second.op == "broadcast" and first.op == "spread" and first.args[0].order == 1:
                args = (first, self._laid_out(second))
                return self.arrays.make("broadcast", args, node.shape)
            return self.arrays.make("broadcast", node.args, node.shape, "C")
        if node.op == "multiply":
            coefficient, powers = node.value
            items = list(zip(node.args, powers, strict=True))
            outer = [item for item in items if item[0].op == "outer" and item[1] == 1]
            scalars = [item for item in items if not item[0].order]
            if len(outer) == 1 and len(scalars) == len(items) - 1:
                return scaled(self.arrays, coefficient, scalars, outer[0][0])
        return node

    def _fills(self, part: Part, axes: Letters) -> bool:
        return part.axes == axes and self.lowering.lean(part.value)[1] == axes

    def _leaf(self, leaf: Leaf) -> Array:
        array = self.lowering.array(leaf.value)
        if leaf.value.order == 0:
            array = self.arrays.full(array, leaf.shape)
        elif leaf.value.order == 1 and len(leaf.shape) == 2:
            if leaf.turned == (leaf.shape[0] == 1):
                return self.arrays.expand(array)
            return self.arrays.transpose(self.arrays.expand(array))
        array = self.arrays.reshape(array, leaf.shape)
        return self.arrays.transpose(array) if leaf.turned else array

    def bare_inverses(self) -> set[Tensor]:
        """Inverses that are needed as matrices."""
        inverses = self.lowering.inverses
        return {inverses[node] for node in self._reachable() if node in inverses}

    def _reachable(self) -> Iterator[Array]:
        """Every node that some line computes, once."""
        yield from self._below([*self.roots.values(), *self.leaves.values()])

    def _below(self, nodes: Iterable[Array], through: bool = False) -> Iterator[Array]:
        """These nodes and all in them, once; on request those in the formulas of names too."""
        seen: set[Array] = set()
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                yield node
                stack.extend(node.args)
                if through and node in self.roots:
                    stack.append(self.roots[node])

    def plan(self, lengths: Collection[Dim]) -> Plan:
        """The finished lines."""
        for name, root in self.roots.items():
            if root.op != "name" and root not in self.owner:
                self.owner[root] = name
                self.named[root] = str(name.value)
        self._name_shared()
        further = {symbol.name for dim in lengths for symbol in dim.free_symbols}
        for symbol in self._size_names() | further:
            self.sizes[symbol] = identifier(symbol)
        done: set[Array] = set()
        for name in self.roots:
            if name not in self.assembled:
                self._emit(name, self.forward[name], done)
        for leaf in self.leaves.values():
            self._need(leaf, False, done)
        apart = self._lines_apart()
        shared = len(self.lines)
        factors = "" if self.form is None else self._form_text(self.form, WIDTH - 12)
        for name in self.assembled:
            if name in self.roots:
                self._emit(name, self.forward[name], done)
        outputs = {label: self._output(node) for label, node in self.results.items()}
        if self.writer.uses_like and self.like is not None:
            self.inputs.add(self.like.name)
        return Plan(
            self.lines,
            outputs,
            {label: self._base(node) for label, node in self.results.items()},
            factors,
            apart,
            shared,
            {dim: self.writer.dim(dim) for dim in lengths},
            list(dict.fromkeys(_kinds(self.form))),
            self.inputs,
            list(self.writer.size_used),
            list(self.writer.helpers),
            self.writer.uses_math,
            self._is_guarded(),
        )

    def _lines_apart(self) -> list[Line]:
        """Take away the lines that nothing but the factors needs."""
        if self.form is None:
            return []
        names = {
            self.named.get(node) or str(node.value)
            for node in self._below(self.assembled, through=True)
            if node in self.named or node.op == "name"
        }
        apart = [line for line in self.lines if line.name not in names]
        self.lines = [line for line in self.lines if line.name in names]
        return apart

    def _form_text(self, form: Form | Leaf | Dim, width: int) -> str:
        """The factors as an expression, on several lines if one is too long."""
        if isinstance(form, Leaf):
            node = self.leaves[form]
            self._output(node)
            return self.writer.number_like(node)
        if not isinstance(form, Form):
            return self.writer.dim(form)
        parts = [
            self._form_text(part, width - 4 * (1 + (form.kind == "Sum"))) for part in form.parts
        ]
        inner = _bracketed("(", parts, ")", width - 4) if form.kind == "Sum" else ""
        name = self.module_names.global_name(form.kind)
        return _bracketed(f"{name}(", [inner] if inner else parts, ")", width)

    def _is_guarded(self) -> bool:
        """Whether a branch of a choice is computed that need not be, and may warn."""
        seen: set[tuple[Array, bool]] = set()
        stack = [
            (arg, bool(node.order))
            for node in self._reachable()
            if node.op == "where"
            for arg in node.args[1:]
        ]
        while stack:
            node, computed = item = stack.pop()
            if item in seen:
                continue
            seen.add(item)
            computed = computed or node in self.named or node in self.roots
            if computed and _may_warn(node):
                return True
            below = (*node.args, self.roots[node]) if node in self.roots else node.args
            stack.extend((arg, computed) for arg in below)
        return False

    def _size_names(self) -> set[str]:
        names: set[str] = set()
        ends = [*self.results.values(), *self.leaves.values()]
        bare = (part for node in ends for part in (node, *node.args))
        for node in (*self._reachable(), *bare):
            names.update(symbol.name for dim in dims_in(node) for symbol in dim.free_symbols)
        names.update(symbol.name for dim in _sizes(self.form) for symbol in dim.free_symbols)
        return names

    def _output(self, node: Array) -> str:
        stack = [node]
        while stack:
            part = stack.pop()
            if part in self.given:
                self.inputs.add(self.given[part])
            elif part.op in CHEAP:
                stack.extend(part.args)
        return self.writer.text(node)

    def _base(self, node: Array) -> str:
        """The name of the array that a result is, or is a view of."""
        while True:
            inner = self.roots.get(node, node)
            if inner.op == "full":
                inner = inner.args[0]
            if inner.op in VIEWS:
                node = inner.args[0]
            elif inner.op == "name" and inner is not node:
                node = inner
            else:
                return self.writer.text(node)

    def _name_shared(self) -> None:
        """Name what more than one expression uses."""
        uses: dict[Array, int] = {}
        order: list[Array] = []
        for node in self._reachable():
            order.append(node)
            for arg in node.args:
                uses[arg] = uses.get(arg, 0) + 1
        for leaf in _leaves(self.form):
            core = core_of(self.leaves[leaf])
            uses[core] = uses.get(core, 0) + 1
        self.used_once = {node for node in order if uses.get(node, 0) < 2}
        shared = {n for n in order if uses.get(n, 0) > 1 and _worth_a_name(n)} - self.named.keys()
        done: set[Array] = set()
        for root in (*self.leaves.values(), *self.roots.values()):
            self._name_inside(root, shared, done)

    def _name_inside(self, node: Array, shared: set[Array], done: set[Array]) -> None:
        if node in done:
            return
        done.add(node)
        for arg in node.args:
            self._name_inside(arg, shared, done)
        if node in shared:
            self._name(node)

    def _name(self, node: Array) -> None:
        argument = self.lowering.log_softmaxes.get(node)
        hint = "" if argument is None else self.logarithms.get(argument, "log_softmax")
        name = self.module_names.temporary(node, self.named, self.used, hint)
        self.used.add(name)
        self.named[node] = name

    def _emit(self, name: Array, forward: bool, done: set[Array]) -> None:
        """The line of a variable, after those of all that it uses."""
        if name not in done:
            done.add(name)
            self._line(str(name.value), self.roots[name], forward, done)

    def _line(
        self, name: str, node: Array, forward: bool, done: set[Array], sign: str = "="
    ) -> None:
        if node.op == "assembled":
            self._assembled_lines(name, node, done)
            return
        own = self.named.get(node) == name or node.op in CHEAP - {"name"}
        for part in node.args if own else (node,):
            self._need(part, forward, done)
        limit = WIDTH - len(name) - 3 - len(_shape_text(node.shape)) - 4
        text = self._text(node, own)
        while len(text) > limit:
            long = self._part_to_name(node, limit)
            if long is None:
                break
            self._name(long)
            self._need(long, forward, done)
            text = self._text(node, own)
        self.lines.append(Line(name, text, _shape_text(node.shape), forward, sign))

    def _assembled_lines(self, name: str, node: Array, done: set[Array]) -> None:
        """The parts of an array, written or added where they belong."""
        for part in node.args:
            self._need(part, False, done)
        axes = tuple(range(node.order))
        started = bool(node.args) and node.value[0][0] == axes == tuple(range(node.args[0].order))
        started = started and node.args[0].shape == node.shape
        numpy = self.writer.numpy
        if not started:
            text = f"{numpy}.zeros({self.writer.shape(node.shape)}{self.writer.typed()})"
            self.lines.append(Line(name, text, _shape_text(node.shape), False))
        for place, (part, (along, sign)) in enumerate(zip(node.args, node.value, strict=True)):
            if not place and started:
                self._line(name, part, False, done)
                if not self._is_fresh(part):
                    whole = self.lines.pop()
                    self.lines.append(replace(whole, text=f"{numpy}.array({whole.text})"))
                continue
            mark = "=" if not place else "+=" if sign > 0 else "-="
            target = name if along == axes else self.writer.diagonal(name, along)
            target = target if along == axes and place else f"{target}[...]"
            self._line(target, part, False, done, mark)
            sizes = tuple(dict(zip(along, node.shape, strict=True)).values())
            self.lines.append(replace(self.lines.pop(), shape=_shape_text(sizes)))

    def _is_fresh(self, node: Array) -> bool:
        """Whether computing a node makes an array that nothing else has."""
        core = core_of(node)
        return core in self.used_once and core.op not in CHEAP

    def _text(self, node: Array, own: bool) -> str:
        """The right-hand side of a line; a quantity of the problem is a floating-point number."""
        text = self.writer.text(node, own)
        is_number = not node.order and not is_floating(node) and "." not in text
        return f"1.0 * {text}" if own and node in self.owner and is_number else text

    def _need(self, node: Array, forward: bool, done: set[Array]) -> None:
        """Make sure that all that a node mentions has been computed."""
        if node in self.roots:
            self._emit(node, self.forward[node] or forward, done)
        elif node in self.given:
            self.inputs.add(self.given[node])
        elif node in self.owner:
            self._emit(self.owner[node], forward, done)
        elif node in self.named:
            if node not in done:
                done.add(node)
                self._line(self.named[node], node, forward, done)
        else:
            for arg in node.args:
                self._need(arg, forward, done)

    def _part_to_name(self, node: Array, limit: int) -> Array | None:
        """The largest part of an expression that fits on a line of its own."""
        best: tuple[int, Array] | None = None
        stack = list(node.args)
        while stack:
            part = stack.pop()
            if part in self.named or part.op in ("name", "number", "constant"):
                continue
            length = len(self.writer.text(part))
            fits = _worth_a_name(part) and limit // 6 < length < limit - 12
            if fits and (best is None or length > best[0]):
                best = length, part
            stack.extend(part.args)
        return None if best is None else best[1]


def _named(arrays: Arrays, variables: Iterable[Variable]) -> dict[Variable, Array]:
    """A name for each variable; no two have the same."""
    found: dict[Variable, Array] = {}
    taken: set[str] = set()
    for variable in dict.fromkeys(variables):
        name = identifier(variable.name)
        while name in taken:
            name += "_"
        taken.add(name)
        found[variable] = arrays.name(name, variable.shape)
    return found


def _bracketed(start: str, items: Sequence[str], end: str, width: int) -> str:
    """Items between brackets, one a line if they are too long for one together."""
    whole = f"{start}{', '.join(items)}{end}"
    if len(whole) <= width and "\n" not in whole:
        return whole
    comma = "," if len(items) > 1 else ""
    lines = [line for item in items for line in f"{item}{comma}".splitlines()]
    return "\n".join([start, *(f"    {line}" for line in lines), end])


def _sign(part: Part) -> int:
    """The sign of a term."""
    coefficient = as_contraction(part.value).coefficient
    return -1 if coefficient < 0 else 1


def _kinds(form: Form | Leaf | Dim | None) -> Iterator[str]:
    """The classes in a form."""
    if isinstance(form, Form):
        yield form.kind
        for part in form.parts:
            yield from _kinds(part)


def _leaves(form: Form | Leaf | Dim | None) -> Iterator[Leaf]:
    """The arrays in a form, as often as they stand there."""
    if isinstance(form, Form):
        for part in form.parts:
            yield from _leaves(part)
    elif isinstance(form, Leaf):
        yield form


def _sizes(form: Form | Leaf | Dim | None) -> Iterator[Dim]:
    """The sizes in a form."""
    if isinstance(form, Form):
        for part in form.parts:
            yield from _sizes(part)
    elif form is not None and not isinstance(form, Leaf):
        yield form


def _worth_a_name(node: Array) -> bool:
    """Whether computing it twice would cost something."""
    if node.op in CHEAP:
        return False
    if node.op != "multiply":
        return True
    coefficient, powers = node.value
    is_negated = coefficient == -1 and powers == (1,) and node.args[0].op == "name"
    return not is_negated and any(arg.op != "constant" for arg in node.args)


def _may_warn(node: Array) -> bool:
    """Whether computing a node may leave its domain or overflow."""
    if node.op == "multiply":
        return any(
            (power < 0 or power.denominator > 1) and arg.op not in ("constant", "number")
            for arg, power in zip(node.args, node.value[1], strict=True)
        )
    if node.op == "function" and node.value in PARTIAL:
        (arg, *_) = node.args
        is_capped = arg.op == "function" and arg.value == "min"
        return not (is_capped and any(part.op == "number" for part in arg.args))
    return False


def _shape_text(shape: Shape) -> str:
    """A shape as Python writes it."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
