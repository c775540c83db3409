"""The NumPy module of a derivation: code that an expert would have written by hand.

For each gradient ``grad_J_W``, for each scalar ``value_and_grad_J``, as the language's reference
says under "What generated code is called". A module with few functions has each compute only what
it needs; in one with many, ``grad_J_W`` picks its gradient from ``value_and_grad_J``, so that the
module grows linearly with the problem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from derive.calculus.derivation import Derivation, Result, Sweep
from derive.calculus.jacobians import entries_of
from derive.emit.numpy_code.check import check_module_text
from derive.emit.numpy_code.formulas import Formulas
from derive.emit.numpy_code.functions import HELPERS, helpers_needed
from derive.emit.numpy_code.layout import (
    WIDTH,
    aligned,
    assign_from_call,
    broken,
    docstring,
    paragraph,
)
from derive.emit.numpy_code.names import Names, identifier
from derive.emit.numpy_code.notes import argument_text, module_notes, shape_code
from derive.emit.numpy_code.plan import Plan, plan
from derive.emit.numpy_code.second import (
    Product,
    asked_alone,
    joint_requests,
    name_of_function,
    products,
)
from derive.errors import InputError
from derive.problem import Request
from derive.shapes import Dim, Shape
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.simplification import expand
from derive.tensor.substitution import variables_of

__all__ = ["numpy_module", "numpy_test_module"]

MOST_SPECIALISED: Final = 6
"""With more gradients than this, ``grad_J_W`` calls ``value_and_grad_J``."""

MOST_NAMED: Final = 24
"""With more arguments than this, ``grad_J_W`` passes them on unnamed."""

VALUE: Final = "(value)"


def numpy_module(derivation: Derivation, *, verified: str = "", title: str = "") -> str:
    """The text of a module with a function for everything that a problem asks.

    Args:
        derivation: Whose answers are computed.
        verified: What was checked, for the module's docstring.
        title: Its first line; by default the problem's name and what is differentiated.

    Raises:
        UnsupportedError: Something has no NumPy code.
        InputError: Two names would be one in Python.
    """
    return _Module(derivation).text(title or _title(derivation), verified)


def numpy_test_module(derivation: Derivation, module_name: str) -> str:
    """The text of a pytest file that checks the module's gradients by differences.

    Args:
        derivation: The one that the module was made of.
        module_name: Under which the test imports the module.
    """
    module = _Module(derivation)
    module.text("", "")
    inputs = [answers.inputs for answers in module.answers]
    sizes = [answers.sizes for answers in module.answers]
    return check_module_text(environment(), derivation, module_name, inputs, sizes)


def environment() -> Environment:
    """Where the templates are found, and how they are filled in."""
    return Environment(
        loader=PackageLoader("derive.templates", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _title(derivation: Derivation) -> str:
    parts = []
    for sweep in derivation.sweeps:
        *most, last = [identifier(result.wrt) for result in sweep.results]
        wrt = f"{', '.join(most)} and {last}" if most else last
        several = "gradients" if most else "gradient"
        parts.append(f"{identifier(sweep.of.name)} and its {several} with respect to {wrt}")
    whole = f"{derivation.problem.name}: {'; '.join(parts)}."
    if len(whole) <= WIDTH - 3:
        return whole
    scalars = ", ".join(identifier(sweep.of.name) for sweep in derivation.sweeps)
    return f"{derivation.problem.name}: {scalars} and gradients."


def _inputs(derivation: Derivation, sweep: Sweep) -> list[str]:
    """Names of the given variables that a scalar depends on or is differentiated by."""
    found = {sweep.of, *(derivation.names[result.wrt] for result in sweep.results)}
    for quantity in sweep.forward:
        if quantity.value is not None:
            found.update(variables_of(quantity.value))
    names = {variable.name for variable in found if variable.value is None}
    return [name for name in derivation.problem.variables if name in names]


@dataclass(frozen=True, slots=True)
class _Answers:
    """One scalar, and what its functions are made of.

    Attributes:
        sweep: From the scalar back.
        formulas: Of the sweep, as code computes them.
        inputs: Arguments: what the scalar depends on, and what a size is read off.
        sizes: Arguments too: sizes that are the length of no axis.
        cls: The class of its gradients.
    """

    sweep: Sweep
    formulas: Formulas
    inputs: list[str]
    sizes: list[str]
    cls: str


class _Module:
    """A module on its way: its names, and the functions as they are written."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation, self.problem = derivation, derivation.problem
        self.names = Names(self.problem, (name for name in derivation.names))
        self.names.taken.update(
            identifier(step.adjoint.name) for s in derivation.sweeps for step in s.steps
        )
        self.arguments = "_arguments"
        self.switch = self.names.global_name("CHECK_SHAPES")
        self.helpers: dict[str, None] = {}
        self.uses_math = False
        self.answers = [self._answers(sweep) for sweep in derivation.sweeps]

    def _answers(self, sweep: Sweep) -> _Answers:
        wish = "Gradients" if len(self.derivation.sweeps) == 1 else f"Gradients_{sweep.of.name}"
        inputs = _inputs(self.derivation, sweep)
        return _Answers(sweep, Formulas.of_sweep(sweep), inputs, [], self.names.global_name(wish))

    def text(self, title: str, verified: str) -> str:
        """The whole module."""
        functions = [text for answers in self.answers for text in self._functions(answers)]
        used = {name for answers in self.answers for name in answers.inputs}
        inputs = [name for name in self.problem.variables if name in used]
        sizes = list(dict.fromkeys(size for answers in self.answers for size in answers.sizes))
        notes = module_notes(self.derivation, title, verified, self.switch, (inputs, sizes))
        helpers = helpers_needed(self.helpers)
        self.uses_math |= any("math" in HELPERS[name].imports for name in helpers)
        return (
            environment()
            .get_template("numpy_module.py.jinja")
            .render(
                docstring="\n".join(docstring(notes, 0)),
                math=self.names.math if self.uses_math else "",
                numpy=self.names.numpy,
                switch=self.switch,
                arguments=self.arguments,
                directions=any(a.sweep.kind != "grad" for a in self.answers),
                shapes=[(identifier(n), _shape_literal(self.problem.shape(n))) for n in inputs],
                classes=[self._class(a) for a in self.answers if a.sweep.kind == "grad"],
                functions=functions,
                helpers=[self._source(name) for name in helpers],
            )
        )

    def _source(self, helper: str) -> str:
        """A helper function, with the name that NumPy has in this module."""
        text = re.sub(r"\bnp\.", f"{self.names.numpy}.", HELPERS[helper].source.strip())
        return re.sub(r"\bmath\.", f"{self.names.math}.", text)

    def _class(self, answers: _Answers) -> dict[str, Any]:
        fields = []
        for result in answers.sweep.results:
            shape = self.problem.shape(result.wrt)
            kind = f"{self.names.numpy}.ndarray" if shape else "float"
            fields.append((f"{identifier(result.wrt)}: {kind}", shape_code(shape)))
        return {
            "name": answers.cls,
            "of": identifier(answers.sweep.of.name),
            "fields": aligned(fields, 4),
        }

    def _functions(self, answers: _Answers) -> list[str]:
        if answers.sweep.kind != "grad":
            blocks = joint_requests(self.derivation, answers.sweep)
            return [
                *(self._block(answers, request) for request in blocks),
                *(
                    text
                    for result in asked_alone(self.derivation, answers.sweep)
                    for text in (self._matrix(answers, result), *self._products(answers, result))
                ),
            ]
        found = [self._value_and_grad(answers)]
        count = sum(len(sweep.results) for sweep in self.derivation.sweeps)
        write = self._grad if count <= MOST_SPECIALISED else self._picked
        return [*found, *(write(answers, result) for result in answers.sweep.results)]

    def _picked(self, answers: _Answers, result: Result) -> str:
        """A gradient that is picked from all gradients."""
        inputs = [*answers.inputs, *answers.sizes]
        words = [f"{identifier(name)}={identifier(name)}" for name in inputs]
        if len(inputs) > MOST_NAMED and len(self.answers) == 1 and not answers.sizes:
            head, words = [f"def {self._function_name(result)}(**arguments):"], ["**arguments"]
        else:
            head = self._head(self._function_name(result), answers)
        start, end = f"return value_and_grad_{result.of}(", f")[1].{identifier(result.wrt)}"
        return "\n".join([*head, self._gradient_note(result), *broken(start, words, end, 4)])

    def _gradient_note(self, result: Result) -> str:
        of, wrt = identifier(result.of), identifier(result.wrt)
        shape = shape_code(self.problem.shape(result.wrt))
        return f'    """Gradient of {of} with respect to {wrt}, {shape}."""'

    def _function_name(self, result: Result) -> str:
        name = f"grad_{result.of}_{result.wrt}"
        pairs = [(r.of, r.wrt) for r in self.derivation.results]
        if len({pair for pair in pairs if f"grad_{pair[0]}_{pair[1]}" == name}) > 1:
            raise InputError(f"two functions would be called {name}", ("Rename a quantity.",))
        return name

    def _value_and_grad(self, answers: _Answers) -> str:
        sweep = answers.sweep
        outputs: dict[str, Tensor] = {VALUE: sweep.of}
        outputs |= {result.wrt: self._gradient(sweep, result) for result in sweep.results}
        planned, lines = self._body(answers, outputs)
        of = identifier(sweep.of.name)
        texts = self._restored(planned, [result.wrt for result in sweep.results])
        fields = [f"{identifier(wrt)}={text}" for wrt, text in texts.items()]
        value = planned.outputs[VALUE]
        ends = broken(f"return {value}, {answers.cls}(", fields, ")", 4)
        if len(ends) > 1:
            gradients = self.names.global_name("gradients")
            ends = broken(f"{gradients} = {answers.cls}(", fields, ")", 4)
            ends.append(f"    return {value}, {gradients}")
        what = "gradients" if len(fields) > 1 else "gradient"
        arguments = argument_text(self.problem, answers.inputs, answers.sizes)
        notes = _function_notes(f"{of} and its {what}", arguments)
        head = self._head(f"value_and_grad_{sweep.of.name}", answers)
        return "\n".join([*self._guard(planned), *head, *notes, *lines, *ends])

    def _matrix(self, answers: _Answers, result: Result) -> str:
        """A Jacobian or Hessian as an array; what is differentiated counts by its vec."""
        name = name_of_function(result)
        label = f"{'H' if result.kind == 'hessian' else 'J'}_{result.of}_{result.wrt}"
        rows = answers.sweep.of.shape
        columns = self.derivation.names[result.wrt].shape
        whole = _entries(result.gradient, rows, columns)
        planned, lines = self._body(answers, {label: whole})
        head = self._head(name, answers)
        what = f"{result.kind.capitalize()} of {identifier(result.of)} with respect to "
        what += " and ".join(dict.fromkeys(n for n in (result.by, result.wrt) if n))
        note = f'    """{what}, {shape_code(result.gradient.shape)}."""'
        text = planned.outputs[label]
        if planned.bases[label] in {identifier(n) for n in self.problem.variables}:
            text = f"{text}.copy()" if result.gradient.order else text
        if whole.order > result.gradient.order:
            first = f"{text}.shape[0] * {text}.shape[1]" if len(rows) == 2 else f"{text}.shape[0]"
            text = f"{text}.reshape({first if rows else ''}{', ' if rows and columns else ''}-1)"
            if not rows or not columns:
                text = f"{planned.outputs[label]}.ravel()"
        text = self._with_axes(text, result, bool(rows), bool(columns))
        return "\n".join([*self._guard(planned), *head, note, *lines, f"    return {text}"])

    def _with_axes(self, text: str, result: Result, rows: bool, columns: bool) -> str:
        """A matrix with an axis for each array that is declared with one, be its size 1."""
        arrays = (result.by or result.of, result.wrt)
        declared = [bool(self.problem.shape(name)) for name in arrays]
        if declared == [rows, columns]:
            return text
        sizes = zip(declared, (rows, columns), strict=True)
        extent = [str(-1 if there else 1) for wanted, there in sizes if wanted]
        return (
            f"{self.names.numpy}.reshape({text}, ({', '.join(extent)}{',' * (len(extent) == 1)}))"
        )

    def _block(self, answers: _Answers, request: Request) -> str:
        """The whole Hessian with respect to several variables, block by block."""
        blocks = {
            (result.by, result.wrt): (other.sweep, result)
            for other in self.answers
            for result in other.sweep.results
            if result.of == request.of and result.by in request.wrt
        }
        formulas, outputs = Formulas(), dict[str, Tensor]()
        for sweep in dict.fromkeys(sweep for sweep, _ in blocks.values()):
            for variable in (*sweep.forward, *(step.adjoint for step in sweep.steps)):
                if variable not in formulas.of and variable not in formulas.standing:
                    formulas.enter(variable)
        for by, wrt in blocks:
            sweep, result = blocks[by, wrt]
            shapes = sweep.of.shape, self.derivation.names[wrt].shape
            outputs[f"H_{by}_{wrt}"] = _entries(result.gradient, *shapes)
        used = {name for other in self.answers for name in other.inputs}
        inputs = [name for name in self.problem.variables if name in used]
        planned, lines = self._body(replace(answers, formulas=formulas, inputs=inputs), outputs)
        rows = []
        for by in request.wrt:
            row = []
            for wrt in request.wrt:
                orders = [self.derivation.names[name].order for name in (by, wrt)]
                row.append(_as_matrix(planned.outputs[f"H_{by}_{wrt}"], orders, self.names.numpy))
            rows.append(f"[{', '.join(row)}]")
        name = f"hessian_{request.of}_{'_'.join(request.wrt)}"
        head = self._head(name, replace(answers, inputs=inputs))
        names = ", ".join(request.wrt)
        note = f'    """Hessian of {request.of} with respect to {names}, in blocks."""'
        ends = broken(f"return {self.names.numpy}.block([", rows, "])", 4)
        return "\n".join([*self._guard(planned), *head, note, *lines, *ends])

    def _products(self, answers: _Answers, result: Result) -> list[str]:
        """The functions that multiply by a vector."""
        taken = frozenset({*self.names.taken, *self.problem.sizes})
        found = products(self.derivation, answers.sweep, result, taken)
        return [self._product(answers, product) for product in found]

    def _product(self, answers: _Answers, product: Product) -> str:
        formulas = Formulas()
        for variable in (*product.along.quantities, *product.along.steps):
            formulas.enter(variable)
        label, direction = "product", product.along.direction
        own = replace(answers, formulas=formulas)
        planned, lines = self._body(own, {label: product.along.result}, direction, product.shape)
        head = self._head(product.name, answers, direction.name)
        text = _unsqueezed(planned.outputs[label], product.result, self.names.numpy)
        if planned.bases[label] in {*map(identifier, self.problem.variables), direction.name}:
            text = f"{text}.copy()" if product.result else text
        note = f'    """{product.summary}, {shape_code(product.result)}."""'
        return "\n".join([*self._guard(planned), *head, note, *lines, f"    return {text}"])

    def _grad(self, answers: _Answers, result: Result) -> str:
        outputs = {result.wrt: self._gradient(answers.sweep, result)}
        planned, lines = self._body(answers, outputs)
        text = self._restored(planned, [result.wrt])[result.wrt]
        head = self._head(self._function_name(result), answers)
        body = [self._gradient_note(result), *lines, f"    return {text}"]
        return "\n".join([*self._guard(planned), *head, *body])

    def _guard(self, planned: Plan) -> list[str]:
        """What keeps a branch that is not taken from warning of its domain."""
        if not planned.guarded:
            return []
        numpy = self.names.numpy
        return [
            f"# {numpy}.where computes both branches; the one not taken may be outside its domain.",
            f'@{numpy}.errstate(divide="ignore", invalid="ignore", over="ignore")',
        ]

    def _gradient(self, sweep: Sweep, result: Result) -> Tensor:
        """The adjoint of a variable if there is one, else its formula."""
        adjoints = {step.quantity.name: step.adjoint for step in sweep.steps}
        return adjoints.get(result.wrt, result.gradient)

    def _head(self, name: str, answers: _Answers, direction: str = "") -> list[str]:
        """The signature; the problem's other inputs are accepted too, and not looked at."""
        needed = [*answers.inputs, *answers.sizes]
        others = [f"{identifier(n)}=None" for n in self.problem.variables if n not in needed]
        words = [*map(identifier, needed), *([direction] if direction else []), *others]
        return broken(f"def {name}(", ["*", *words] if words else [], "):")

    def _body(
        self,
        answers: _Answers,
        outputs: Mapping[str, Tensor],
        direction: Variable | None = None,
        shape: Shape = (),
    ) -> tuple[Plan, list[str]]:
        """The plan of a function, and its lines between docstring and return.

        Args:
            answers: The scalar, Jacobian or Hessian.
            outputs: What is computed.
            direction: A further argument.
            shape: The declared shape of that.
        """
        given = [self.derivation.names[name] for name in answers.inputs]
        given += [] if direction is None else [direction]
        labels = {
            VALUE if label == VALUE else self._label(label): tensor
            for label, tensor in outputs.items()
        }
        inputs = dict(zip(answers.inputs, given, strict=False))
        likes = {self._label(label): inputs[label] for label in outputs if label in inputs}
        planned = plan(answers.formulas, labels, given, self.names, likes)
        keys = {label: VALUE if label == VALUE else self._label(label) for label in outputs}
        planned.outputs = {label: planned.outputs[key] for label, key in keys.items()}
        planned.bases = {label: planned.bases[key] for label, key in keys.items()}
        self.helpers.update(dict.fromkeys(planned.helpers))
        self.uses_math |= planned.uses_math
        lines = self._entry(answers, planned, direction, shape)
        block = aligned([(f"{line.name} = {line.text}", line.shape) for line in planned.lines], 4)
        before = None
        for line, written in zip(planned.lines, block, strict=True):
            if line.forward != before and lines:
                lines.append("")
            before = line.forward
            lines.append(written)
        return planned, lines

    def _label(self, wrt: str) -> str:
        """What a gradient is called that no step has named."""
        label = f"{wrt}_bar"
        while label in self.derivation.names or label in self.problem.sizes:
            label += "_"
        return label

    def _entry(
        self, answers: _Answers, planned: Plan, direction: Variable | None, shape: Shape
    ) -> list[str]:
        """Lines that check the arguments, read sizes off them and drop axes of size 1."""
        needed = set(planned.inputs)
        places: dict[str, tuple[str, int]] = {}
        for size in planned.sizes:
            place = self._place_of(size, answers.inputs, needed)
            if place is not None:
                places[size] = place
                needed.add(place[0])
                if place[0] not in answers.inputs:
                    answers.inputs.append(place[0])
            elif size not in answers.sizes:
                answers.sizes.append(size)
        inputs = [name for name in answers.inputs if name in needed]
        if not inputs and direction is None:
            return []
        words = [identifier(name) for name in inputs]
        if direction is None:
            lines = assign_from_call(words, self.arguments, 4)
        else:
            lines = assign_from_call([*words, direction.name], self.arguments, 4)
            own = f'{self.arguments}({{"{direction.name}": {_shape_literal(shape)}}}, '
            lines = [line.replace(f"{self.arguments}(", own, 1) for line in lines]
            index = _squeezing(shape)
            if index:
                lines.append(f"    {direction.name} = {direction.name}{index}")
        for size, (name, axis) in places.items():
            lines.append(f"    {identifier(size)} = {identifier(name)}.shape[{axis}]")
        squeezed = []
        for name in inputs:
            index = _squeezing(self.problem.shape(name))
            if index and name in planned.inputs:
                word = identifier(name)
                shape = self.derivation.names[name].shape
                squeezed.append((f"{word} = {word}{index}", shape_code(shape)))
        return [*lines, *aligned(squeezed, 4)]

    def _place_of(
        self, size: str, inputs: Sequence[str], needed: set[str]
    ) -> tuple[str, int] | None:
        """A given variable and the axis whose length a size is; inputs used anyway come first."""
        for name in sorted(
            self.problem.variables, key=lambda name: (name not in needed, name not in inputs)
        ):
            for axis, dim in enumerate(self.problem.shape(name)):
                if str(dim) == size:
                    return name, axis
        return None

    def _restored(self, planned: Plan, wrts: Sequence[str]) -> dict[str, str]:
        """Gradients in the declared shapes, no two of them the same array, none an argument."""
        found: dict[str, str] = {}
        seen = {identifier(name) for name in self.problem.variables}
        for wrt in wrts:
            text, shape = planned.outputs[wrt], self.problem.shape(wrt)
            copied = planned.bases[wrt] in seen and bool(shape)
            seen.add(planned.bases[wrt])
            text = _unsqueezed(text, shape, self.names.numpy)
            found[wrt] = f"{text}.copy()" if copied else text
        return found


def _entries(jacobian: Tensor, first: Shape, second: Shape) -> Tensor:
    """All entries of a Jacobian; of vectors, itself."""
    if len(first) < 2 and len(second) < 2:
        return jacobian
    return expand(entries_of(jacobian, first, second))


def _as_matrix(text: str, orders: Sequence[int], numpy: str) -> str:
    """A block of a Hessian with two axes; matrices count by their vec."""
    first, second = orders
    if first == second == 1:
        return text
    if not first:
        return f"{numpy}.reshape({text}, (1, -1))"
    if not second:
        return f"{numpy}.reshape({text}, (-1, 1))"
    rows = f"{text}.shape[0]" if first == 1 else f"{text}.shape[0] * {text}.shape[1]"
    return f"{text}.reshape({rows}, -1)"


def _function_notes(summary: str, arguments: str) -> list[str]:
    whole = f"{summary}; {arguments}." if arguments else f"{summary}."
    if len(whole) + 10 <= WIDTH:
        return docstring([whole], 4)
    rest = [line.strip() for line in paragraph(f"{arguments}.", 4)]
    return docstring([f"{summary}, each in the shape of its variable.", "", *rest], 4)


def _shape_literal(shape: Shape) -> str:
    """A shape as a tuple of numbers and names."""
    dims = [str(dim) if _is_number(dim) else f'"{dim}"' for dim in shape]
    return f"({', '.join(dims)}{',' * (len(dims) == 1)})"


def _is_number(dim: Dim) -> bool:
    return bool(dim.is_Integer)


def _squeezing(shape: Shape) -> str:
    """The index that drops the axes of declared size 1."""
    ones = [dim == 1 for dim in shape]
    if not any(ones):
        return ""
    marks = ["0" if one else ":" for one in ones]
    while marks[-1] == ":":
        marks.pop()
    return f"[{', '.join(marks)}]"


def _unsqueezed(text: str, shape: Shape, numpy: str) -> str:
    """A value with its axes of declared size 1."""
    ones = [dim == 1 for dim in shape]
    if not any(ones):
        return text
    if all(ones):
        return f"{numpy}.reshape({text}, {shape_code(shape)})"
    return f"{text}[{', '.join('None' if one else ':' for one in ones)}]"
