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

from derive.calculus.derivation import Derivation, Result, Sweep
from derive.emit.numpy_code.accumulated import accumulated, is_open
from derive.emit.numpy_code.check import check_module_text
from derive.emit.numpy_code.entries import count_of
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
from derive.emit.numpy_code.operators import OPERATORS, STRUCTURE, operators_needed
from derive.emit.numpy_code.plan import Line, Matrix, Plan, plan
from derive.emit.numpy_code.second import (
    Product,
    asked_alone,
    joint_name,
    joint_product,
    joint_requests,
    name_of_function,
    products,
    quantities,
)
from derive.emit.numpy_code.stable import stabilised
from derive.emit.templates import environment
from derive.errors import InputError
from derive.problem import Request
from derive.shapes import ONE, Dim, Shape
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.substitution import variables_of

__all__ = ["NumpyModule", "numpy_module"]

MOST_SPECIALISED: Final = 6
"""With more gradients than this, ``grad_J_W`` calls ``value_and_grad_J``."""

MOST_NAMED: Final = 24
"""With more arguments than this, ``grad_J_W`` passes them on unnamed."""

VALUE: Final = "(value)"


def numpy_module(derivation: Derivation, *, verified: str = "", title: str = "") -> str:
    """The text of a :class:`NumpyModule`."""
    return NumpyModule(derivation).text(verified=verified, title=title)


def _title(derivation: Derivation) -> str:
    parts: dict[frozenset[str], str] = {}
    for sweep in derivation.sweeps:
        first = sweep.results[0] if sweep.results else None
        if first is None or first.through:
            continue
        names = list(dict.fromkeys(n for r in sweep.results for n in (r.by, r.wrt) if n))
        of, wrt = identifier(first.of), _listed(list(map(identifier, names)))
        if sweep.kind == "grad":
            several = "gradients" if len(names) > 1 else "gradient"
            words = f"{of} and its {several} with respect to {wrt}"
        else:
            several = "s" if len(names) > 1 and first.kind == "jacobian" else ""
            words = f"the {first.kind.capitalize()}{several} of {of} with respect to {wrt}"
        parts.setdefault(frozenset((sweep.kind, of, *names)), words)
    whole = f"{derivation.problem.name}: {'; '.join(parts.values())}."
    if len(whole) <= WIDTH - 3:
        return whole
    ofs = dict.fromkeys(identifier(result.of) for result in derivation.results)
    kinds = {result.kind for result in derivation.results}
    what = "gradients" if kinds == {"grad"} else "derivatives"
    some = f"{derivation.problem.name}: {', '.join(ofs)} and {what}."
    return some if len(some) <= WIDTH - 3 else f"{derivation.problem.name}: {what}."


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


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


class NumpyModule:
    """A module with a function for everything that a problem asks.

    Args:
        derivation: Whose answers are computed.

    Raises:
        UnsupportedError: Something has no NumPy code.
        InputError: Two names would be one in Python; or something is divided by 0 everywhere.
    """

    def __init__(self, derivation: Derivation) -> None:
        self.derivation, self.problem = derivation, derivation.problem
        self.names = Names(self.problem, (name for name in derivation.names))
        self.names.taken.update(
            identifier(step.adjoint.name) for s in derivation.sweeps for step in s.steps
        )
        self.arguments = "_arguments"
        self.switch = self.names.global_name("CHECK_SHAPES")
        self.helpers: dict[str, None] = {}
        self.operators: dict[str, None] = {}
        self.uses_math = False
        self.answers = [self._answers(sweep) for sweep in derivation.sweeps]
        try:
            every = [text for answers in self.answers for text in self._functions(answers)]
        except ZeroDivisionError:
            why = "there is a division by zero in the problem, so it has no value"
            raise InputError(why) from None
        self.functions = list(dict.fromkeys(every))

    def _answers(self, sweep: Sweep) -> _Answers:
        wish = "Gradients" if len(self.derivation.sweeps) == 1 else f"Gradients_{sweep.of.name}"
        inputs = _inputs(self.derivation, sweep)
        return _Answers(sweep, Formulas.of_sweep(sweep), inputs, [], self.names.global_name(wish))

    def text(self, *, verified: str = "", title: str = "") -> str:
        """The whole module.

        Args:
            verified: What was checked, for the module's docstring.
            title: Its first line; by default the problem's name and what is differentiated.
        """
        title = title or _title(self.derivation)
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
                functions=self.functions,
                helpers=[self._source(name) for name in helpers],
                operators=self._operators(),
            )
        )

    def test_text(self, module_name: str) -> str:
        """A pytest file that checks the module's functions by differences.

        Args:
            module_name: Under which the test imports the module.
        """
        inputs = [answers.inputs for answers in self.answers]
        sizes = [answers.sizes for answers in self.answers]
        return check_module_text(environment(), self.derivation, module_name, inputs, sizes)

    def _source(self, helper: str) -> str:
        """A helper function, with the name that NumPy has in this module."""
        return self._aliased(HELPERS[helper].source)

    def _aliased(self, text: str) -> str:
        text = re.sub(r"\bnp\.", f"{self.names.numpy}.", text.strip())
        return re.sub(r"\bmath\.", f"{self.names.math}.", text)

    def _operators(self) -> list[str]:
        """The classes of factors, under the names that they have in this module."""
        if not self.operators:
            return []
        texts = [self._aliased(text) for text in STRUCTURE.strip().split("\n\n\n")]
        for kind in operators_needed(self.operators):
            name = self.names.global_name(kind)
            texts.append(re.sub(rf"\b{kind}\(", f"{name}(", self._aliased(OPERATORS[kind].source)))
        return texts

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
                *(text for request in blocks for text in self._together(answers, request)),
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
        label = self._free("H" if result.kind == "hessian" else "J")
        rows, columns = answers.sweep.of.shape, self.derivation.names[result.wrt].shape
        formulas = Formulas()
        gradient = self._entered(formulas, answers.sweep, result)
        matrix = Matrix(rows, columns, bool(rows and columns), gradient is not result.gradient)
        own = replace(answers, formulas=formulas)
        planned, lines = self._body(own, {label: gradient}, matrices={label: matrix})
        declared = [self.problem.shape(name) for name in (result.by or result.of, result.wrt)]
        text = self._sided(planned.outputs[label], (rows, columns), declared)
        if planned.bases[label] in {identifier(n) for n in self.problem.variables}:
            text = f"{text}.copy()" if any(declared) else text
        what = f"{result.kind.capitalize()} of {identifier(result.of)} with respect to "
        what += " and ".join(dict.fromkeys(n for n in (result.by, result.wrt) if n))
        sizes = [count_of(shape) for shape in declared if shape]
        summary = f"{what}, {shape_code(tuple(sizes))}."
        if not matrix.structured:
            head = self._head(name_of_function(result), answers)
            note = [f'    """{summary}"""']
            return "\n".join([*self._guard(planned), *head, *note, *lines, f"    return {text}"])
        switch = self._free("structure")
        kept = planned.factors or f"{self.names.global_name('Dense')}({text})"
        self.operators.update(dict.fromkeys(planned.classes or ("Dense",)))
        ends = [f"    return {text}"]
        if not planned.factors:
            ends = [f"    if {switch}:", f"        return {kept}", *ends]
        head = self._head(name_of_function(result), answers, switch=switch)
        words = f"With ``{switch}=True``, {_words_for(planned)}: an object with ``@``, ``T``, "
        words += "``dense()`` and ``linear_operator()``."
        note = docstring([summary, "", *(line.strip() for line in paragraph(words, 4))], 4)
        return "\n".join([*self._guard(planned), *head, *note, *lines, *ends])

    def _entered(self, formulas: Formulas, sweep: Sweep, result: Result) -> Tensor:
        """A Jacobian or Hessian over what is in the formulas then.

        In terms of quantities and adjoints where the derivation has it so; where it goes by way of
        other Jacobians, accumulated anew.
        """
        variables = [*sweep.forward, *(step.adjoint for step in sweep.steps)]
        found = result.gradient
        if is_open(found):
            every = quantities(self.derivation)
            anew = accumulated(sweep.of, self.derivation.names[result.wrt], every)
            variables, found = [*anew.quantities, *anew.steps], anew.result
        for variable in variables:
            if variable not in formulas.of and variable not in formulas.standing:
                formulas.enter(variable)
        return found

    def _sided(self, text: str, have: Sequence[Shape], declared: Sequence[Shape]) -> str:
        """A matrix with the axes of size 1 of what has declared axes, but none of its own."""
        if all(bool(own) == bool(wanted) for own, wanted in zip(have, declared, strict=True)):
            return text
        marks = [
            ("-1" if own else "1") for own, wanted in zip(have, declared, strict=True) if wanted
        ]
        return f"{self.names.numpy}.reshape({text}, ({', '.join(marks)}{',' * (len(marks) == 1)}))"

    def _free(self, name: str) -> str:
        """A name that no quantity has."""
        while name in self.derivation.names or name in self.names.taken:
            name += "_"
        return name

    def _block(self, answers: _Answers, request: Request) -> str:
        """The whole Hessian with respect to several variables, block by block."""
        blocks = {
            (result.by, result.wrt): (other.sweep, result)
            for other in self.answers
            for result in other.sweep.results
            if result.of == request.of and result.by in request.wrt and not result.through
        }
        formulas, outputs = Formulas(), dict[str, Tensor]()
        labels, matrices = dict[tuple[str, str], str](), dict[str, Matrix]()
        for by, wrt in blocks:
            sweep, result = blocks[by, wrt]
            label = self._free(f"H_{by}_{wrt}")
            gradient = self._entered(formulas, sweep, result)
            labels[by, wrt], outputs[label] = label, gradient
            shapes = sweep.of.shape, self.derivation.names[wrt].shape
            matrices[label] = Matrix(*shapes, unfolded=gradient is not result.gradient)
        own = replace(answers, formulas=formulas)
        planned, lines = self._body(own, outputs, matrices=matrices)
        rows = []
        for by in request.wrt:
            row = []
            for wrt in request.wrt:
                sides = [self.derivation.names[name].shape for name in (by, wrt)]
                row.append(self._sided(planned.outputs[labels[by, wrt]], sides, [(ONE,), (ONE,)]))
            rows.append(f"[{', '.join(row)}]")
        head = self._head(joint_name(request), own)
        names = ", ".join(request.wrt)
        note = f'    """Hessian of {request.of} with respect to {names}, in blocks."""'
        start = f"return {self.names.numpy}.block("
        ends = [f"    {start}[{', '.join(rows)}])"]
        if len(ends[0]) > WIDTH:
            inner = [f"            {row}," for row in rows]
            ends = [f"    {start}", "        [", *inner, "        ]", "    )"]
        return "\n".join([*self._guard(planned), *head, note, *lines, *ends])

    def _together(self, answers: _Answers, request: Request) -> list[str]:
        """The whole Hessian with respect to several variables, and its product with a vector."""
        product = joint_product(self.derivation, request, self._taken())
        used = {name for other in self.answers for name in other.inputs}
        inputs = [name for name in self.problem.variables if name in used]
        own = replace(answers, inputs=inputs)
        return [self._block(own, request), self._product(own, product)]

    def _taken(self) -> frozenset[str]:
        """Names that no direction may have."""
        return frozenset({*self.names.taken, *self.problem.sizes})

    def _products(self, answers: _Answers, result: Result) -> list[str]:
        """The functions that multiply by a vector."""
        found = products(self.derivation, answers.sweep, result, self._taken())
        return [self._product(answers, product) for product in found]

    def _product(self, answers: _Answers, product: Product) -> str:
        formulas = Formulas()
        for variable in (*product.along.quantities, *product.along.steps):
            formulas.enter(variable)
        label, direction = "product", product.along.direction
        own = replace(answers, formulas=formulas)
        result = stabilised(product.along.result, formulas.labels, True)
        planned, lines = self._body(own, {label: result}, direction, product.shape)
        head = self._head(product.name, answers, direction.name)
        text = _unsqueezed(planned.outputs[label], product.result, self.names.numpy)
        if planned.bases[label] in {*map(identifier, self.problem.variables), direction.name}:
            text = f"{text}.copy()" if product.result else text
        first, *more = product.summary
        shaped = f"{first}, {shape_code(product.result)}."
        notes = docstring([shaped, *(line for text in more for line in ("", text))], 4)
        return "\n".join([*self._guard(planned), *head, *notes, *lines, f"    return {text}"])

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

    def _head(
        self, name: str, answers: _Answers, direction: str = "", switch: str = ""
    ) -> list[str]:
        """The signature; the problem's other inputs are accepted too, and not looked at."""
        needed = [*answers.inputs, *answers.sizes]
        others = [f"{identifier(n)}=None" for n in self.problem.variables if n not in needed]
        words = [*map(identifier, needed), *([direction] if direction else []), *others]
        words += [f"{switch}=False"] if switch else []
        return broken(f"def {name}(", ["*", *words] if words else [], "):")

    def _body(
        self,
        answers: _Answers,
        outputs: Mapping[str, Tensor],
        direction: Variable | None = None,
        shape: Shape = (),
        matrices: Mapping[str, Matrix] | None = None,
    ) -> tuple[Plan, list[str]]:
        """The plan of a function, and its lines between docstring and return.

        Args:
            answers: The scalar, Jacobian or Hessian.
            outputs: What is computed.
            direction: A further argument.
            shape: The declared shape of that.
            matrices: What is said of outputs that are Jacobians or Hessians.
        """
        matrices = matrices or {}
        given = [self.derivation.names[name] for name in answers.inputs]
        given += [] if direction is None else [direction]
        keys = {
            label: label if label == VALUE or label in matrices else self._label(label)
            for label in outputs
        }
        inputs = dict(zip(answers.inputs, given, strict=False))
        likes = {keys[label]: inputs[label] for label in outputs if label in inputs}
        wanted = {keys[label]: tensor for label, tensor in outputs.items()}
        lengths = [dim for dim in shape if _is_sum(dim)]
        planned = plan(answers.formulas, wanted, given, self.names, likes, matrices, lengths)
        planned.outputs = {label: planned.outputs[key] for label, key in keys.items()}
        planned.bases = {label: planned.bases[key] for label, key in keys.items()}
        self.helpers.update(dict.fromkeys(planned.helpers))
        self.uses_math |= planned.uses_math
        lines = self._entry(answers, planned, direction, shape)
        split = planned.shared if planned.factors else 0
        lines += _written(planned.lines[:split], bool(lines))
        if planned.factors:
            lines += ["", f"    if {self._free('structure')}:"]
            lines += [f"    {line}" for line in _written(planned.apart, False)]
            first, *rest = planned.factors.splitlines()
            lines += [f"        return {first}", *(f"        {line}" for line in rest)]
        lines += _written(planned.lines[split:], bool(lines))
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
            place = self._place_of(size, answers, needed)
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
        sums = any(map(_is_sum, shape))
        if direction is None or sums:
            lines = assign_from_call(words, self.arguments, 4) if words else []
        else:
            own = f'{{"{direction.name}": {_shape_literal(shape)}}}'
            lines = assign_from_call([*words, direction.name], self.arguments, 4, own)
            index = _squeezing(shape)
            if index:
                lines.append(f"    {direction.name} = {direction.name}{index}")
        for size, (name, axis) in places.items():
            lines.append(f"    {identifier(size)} = {identifier(name)}.shape[{axis}]")
        if direction is not None and sums:
            name, own = direction.name, _shape_literal(shape, planned.lengths)
            lines.append(f'    ({name},) = {self.arguments}({{"{name}": {own}}}, {name}={name})')
            if index := _squeezing(shape):
                lines.append(f"    {name} = {name}{index}")
        squeezed = []
        for name in inputs:
            index = _squeezing(self.problem.shape(name))
            if index and name in planned.inputs:
                word = identifier(name)
                shape = self.derivation.names[name].shape
                squeezed.append((f"{word} = {word}{index}", shape_code(shape)))
        return [*lines, *aligned(squeezed, 4)]

    def _place_of(self, size: str, answers: _Answers, needed: set[str]) -> tuple[str, int] | None:
        """A given variable and the axis whose length a size is; inputs used anyway come first.

        Of the others those come first that a Jacobian or Hessian is with respect to.
        """
        second = answers.sweep.kind != "grad"
        wrts = {result.wrt for result in answers.sweep.results} if second else set()
        for name in sorted(
            self.problem.variables,
            key=lambda name: (name not in needed, name not in wrts, name not in answers.inputs),
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


def _written(lines: Sequence[Line], below: bool) -> list[str]:
    """Lines with their shapes beside them; an empty one before each new group.

    Args:
        lines: Of one function.
        below: Whether other lines stand before them.
    """
    texts = [(f"{line.name} {line.sign} {line.text}", line.shape) for line in lines]
    found: list[str] = []
    before = None
    for line, written in zip(lines, aligned(texts, 4), strict=True):
        if line.forward != before and (found or below):
            found.append("")
        before = line.forward
        found.append(written)
    return found


def _words_for(planned: Plan) -> str:
    """What is returned in place of the matrix."""
    kinds = [f"``{kind}``" for kind in planned.classes]
    if not kinds:
        return "a ``Dense``, since no structure was found"
    *most, last = kinds
    return f"its factors, as {', '.join(most)} and {last}" if most else f"its factors, as {last}"


def _function_notes(summary: str, arguments: str) -> list[str]:
    whole = f"{summary}; {arguments}." if arguments else f"{summary}."
    if len(whole) + 10 <= WIDTH:
        return docstring([whole], 4)
    rest = [line.strip() for line in paragraph(f"{arguments}.", 4)]
    return docstring([f"{summary}, each in the shape of its variable.", "", *rest], 4)


def _shape_literal(shape: Shape, lengths: Mapping[Dim, str] | None = None) -> str:
    """A shape as a tuple of numbers and names, and of what some lengths are written as."""
    known = lengths or {}
    dims = [str(d) if _is_number(d) else known.get(d, f'"{d}"') for d in shape]
    return f"({', '.join(dims)}{',' * (len(dims) == 1)})"


def _is_number(dim: Dim) -> bool:
    return bool(dim.is_Integer)


def _is_sum(dim: Dim) -> bool:
    """Whether a size is neither a name nor a number."""
    return not (dim.is_Symbol or dim.is_Integer)


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
