"""From a problem to what a person asked for: a page, a module, a folder, a judgement.

Each command of the command line is one of these functions, and they are the Python road as well.
Nothing that failed its check is returned or written.
"""

from __future__ import annotations

import difflib
import io
import keyword
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from derive.calculus.chain_rule import derive
from derive.calculus.derivation import Derivation
from derive.calculus.layout import Layout
from derive.emit.claims import auxiliary, claims, weighted_problem
from derive.errors import CheckError, InputError
from derive.examples import descriptions, example_text
from derive.files import write_files
from derive.language import parse, read
from derive.notation.answers import closed_form
from derive.notation.sympy_form import sympy_form
from derive.notes import FORMATS, notes
from derive.problem import Problem, Request
from derive.shapes import as_dim
from derive.verify import Report, judge, judge_functions
from derive.vocabulary import Expression, call

if TYPE_CHECKING:
    from derive.emit.numpy_code import NumpyModule
    from derive.emit.page import Page

__all__ = [
    "ask",
    "build",
    "build_index",
    "check",
    "check_code",
    "code",
    "example",
    "explain",
    "gradient",
    "module_name",
    "open_problem",
    "page",
    "require",
    "vocabulary_function",
    "write_code",
]

FUNCTION_POINTS: Final = 3
"""Points at which exported functions are judged; sizes of 1 are among them."""

MOST_ENTRIES: Final = 1_000_000
"""A problem with more entries than this in one array is not checked at its own sizes."""

MOST_TOLD: Final = 3
"""Failures that a message tells in full."""

TRAINED: Final = ("circles", "circles_rows")
"""Examples that come with a training script."""

NOTES: Final = tuple(format for format in FORMATS if format != "txt")
"""Formats of the notes that are built beside ``derivation.txt``."""

TAKEN: Final = frozenset({"numpy", "pytest", "matplotlib", "train", "derive", "sympy"})
"""Names that a generated module may not have, since it or its neighbours import them."""


def example(name: str) -> Problem:
    """A problem that comes with the package.

    Raises:
        InputError: There is no such example.

    >>> example("testnet").shape("W1")
    (4, 3)
    """
    known = descriptions()
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        advice = f"Did you mean {close[0]}?" if close else f"Examples are {', '.join(known)}."
        raise InputError(f"there is no example {name}", (advice,))
    return parse(example_text(name), f"{name}.derive", name)


def open_problem(source: str) -> Problem:
    """The problem in a file, on standard input for ``-``, or the example of that name.

    Raises:
        InputError: There is neither; or the problem is wrong.
    """
    if source != "-" and not Path(source).is_file():
        known = descriptions()
        if source in known:
            return example(source)
        close = difflib.get_close_matches(source, known, 1)
        if close and not Path(source).exists():
            raise InputError(
                f"there is no file {source}, and no example of that name",
                (f"Did you mean {close[0]}?",),
            )
    return read(source)


def ask(problem: Problem, wrt: Sequence[str]) -> Problem:
    """The problem, asking for derivatives with respect to other variables.

    It has no source any more, since that asks something else.

    Raises:
        InputError: A variable is not in the problem.
    """
    known = (*problem.variables, *problem.definitions)
    for name in wrt:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            advice = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(known)}."
            raise InputError(f"there is no {name} in the problem", (advice,))
    requests = tuple(replace(request, wrt=tuple(wrt)) for request in problem.requests)
    return replace(problem, requests=tuple(dict.fromkeys(requests)), source="")


def gradient(
    expression: Expression,
    wrt: Expression,
    facts: Mapping[str, Iterable[str]] | None = None,
) -> Expression:
    """The gradient of a scalar SymPy expression, as a SymPy matrix expression shaped like ``wrt``.

    It was checked, and is in the form that SymPy's ``doit`` gives.

    Args:
        expression: A scalar, or a 1 x 1 matrix expression.
        wrt: A symbol.
        facts: Properties of symbols, by name.

    Raises:
        InputError: The expression is no scalar, or ``wrt`` no symbol.
        UnsupportedError: A function in it has no law yet.

    >>> from sympy import MatrixSymbol
    >>> A, x = MatrixSymbol("A", 3, 3), MatrixSymbol("x", 3, 1)
    >>> gradient(x.T * A * x, x, facts={"A": ["symmetric"]})
    2*A*x
    """
    name = getattr(wrt, "name", None)
    if name is None:
        raise InputError(f"the gradient is with respect to a symbol, got {wrt}")
    taken = {str(symbol) for symbol in expression.free_symbols}
    of = next(label for label in (f"f{'_' * count}" for count in range(99)) if label not in taken)
    problem = Problem.build(
        {of: expression}, [Request("grad", of, (name,))], facts, variables=[wrt]
    )
    derivation = derive(problem)
    require(check(derivation), "the gradient")
    (result,) = derivation.results
    found = _without_names(sympy_form(closed_form(result, derivation)), derivation)
    return found.xreplace(_own_symbols(problem, (expression, wrt))).doit()


def _without_names(expression: Expression, derivation: Derivation) -> Expression:
    """An expression in the given symbols of the problem alone."""
    meanings = {label: d.expression for label, d in derivation.problem.definitions.items()}
    meanings |= auxiliary(derivation)
    for claim in claims(derivation):
        if claim.kind == "step":
            meanings[claim.name] = claim.expressions[-1]
    while True:
        symbols = [s for s in expression.free_symbols if getattr(s, "name", None) in meanings]
        if not symbols:
            return expression
        expression = expression.xreplace({symbol: meanings[symbol.name] for symbol in symbols})


def _own_symbols(problem: Problem, asked: Iterable[Expression]) -> dict[Expression, Expression]:
    """The symbols of a problem, and the ones of the question that they were made of."""
    nodes = {node for e in asked for node in e.find(lambda node: node.is_symbol)}
    own = {node.name: node for node in nodes if hasattr(node, "name")}  # A[i, j] has none
    dims = {as_dim(name): own[name] for name in problem.sizes}
    return dims | {problem.symbol(name): own[name] for name in problem.variables}


def check(derivation: Derivation, seed: int = 0, points: int = 5) -> Report:
    """What the judge finds at random points about every step and every gradient.

    Raises:
        InputError: The problem states sizes too large to compute with.

    >>> check(derive(parse("grad norm2(x)^2 wrt x"))).passed
    True
    """
    _refuse_large(derivation.problem)
    return judge(
        weighted_problem(derivation),
        claims(derivation),
        auxiliary=auxiliary(derivation),
        seed=seed,
        points=points,
    )


def _refuse_large(problem: Problem) -> None:
    """Say so where a check would need more memory than it is worth."""
    for name in (*problem.variables, *problem.definitions):
        entries = 1
        for dim in problem.shape(name):
            entries *= int(dim) if dim.is_Integer else 1
        if entries > MOST_ENTRIES:
            raise InputError(
                f"{name} has {entries:,} entries, too many to check numerically",
                ("Write its sizes as names, such as (n, m): the check chooses small numbers.",),
            )


def require(report: Report, what: str) -> None:
    """Go on only if nothing failed.

    Raises:
        CheckError: Says what failed, at which point, and both values.
    """
    failures = report.failures
    if not failures and report.points:
        return
    lines = [line for failure in failures[:MOST_TOLD] for line in str(failure).splitlines()]
    if len(failures) > MOST_TOLD:
        lines.append(f"{len(failures) - MOST_TOLD} more failed.")
    unable = not failures or {failure.kind for failure in failures} == {"domain"}
    verb = "could not be checked" if unable else "failed the check"
    raise CheckError(f"{what} {verb}, and nothing was written", (*lines, *report.notes))


def page(
    derivation: Derivation,
    report: Report | None = None,
    *,
    detail: str = "steps",
    notation: str = "matrix",
    layout: Layout = "numerator",
    lang: str = "en",
) -> Page:
    """The derivation as a page: what every printing of it shows, in its order.

    Args:
        derivation: What to print.
        report: What the judge found, if it was asked.
        detail: ``result``, ``steps`` or ``proof``.
        notation: ``matrix`` or ``index``.
        layout: Of Jacobians, ``numerator`` or ``denominator``.
        lang: The language of the prose, ``en`` or ``zh``.

    Raises:
        InputError: There is no such language.
    """
    from derive.emit.catalogues import wording
    from derive.emit.page import page as written

    return written(
        derivation, report, detail=detail, notation=notation, layout=layout, say=wording(lang)
    )


def explain(
    derivation: Derivation,
    report: Report | None = None,
    *,
    detail: str = "steps",
    notation: str = "matrix",
    layout: Layout = "numerator",
    lang: str = "en",
    ascii: bool = False,
) -> str:
    """The derivation as plain text, as it stands in the terminal.

    Args:
        derivation, report, detail, notation, layout, lang: As for :func:`page`.
        ascii: Whether to print ASCII only.

    >>> page = explain(derive(parse("grad norm2(x)^2 wrt x")), detail="result", ascii=True)
    >>> print(page.splitlines()[-1])
      df/dx = 2*x  n
    """
    from derive.emit.terminal import make_console, print_page

    found = page(derivation, report, detail=detail, notation=notation, layout=layout, lang=lang)
    printed = io.StringIO()
    print_page(found, make_console(ascii=ascii, file=printed))
    return printed.getvalue()


def code(derivation: Derivation, *, seed: int = 0, report: Report | None = None) -> str:
    """A NumPy module with a function for everything asked, after derivation and module were judged.

    Args:
        derivation: What to generate code for.
        seed: Of the random points.
        report: Of :func:`check`, if the derivation was judged already.

    Raises:
        CheckError: A step, a gradient or a function is not what it should be.
    """
    return _judged_module(derivation, seed, report)[1]


def _judged_module(
    derivation: Derivation, seed: int, report: Report | None = None
) -> tuple[NumpyModule, str]:
    """The module, and its text, which says what was checked."""
    from derive.emit.numpy_code import NumpyModule

    report = check(derivation, seed) if report is None else report
    require(report, "the derivation")
    module = NumpyModule(derivation)
    found = _check_functions(module, seed)
    require(found, "the generated code")
    verified = f"Checked: {report.summary()}.\nChecked: {found.summary()}."
    return module, module.text(verified=verified)


def check_code(derivation: Derivation, seed: int = 0) -> Report:
    """What the judge finds about the functions of the generated module."""
    from derive.emit.numpy_code import NumpyModule

    return _check_functions(NumpyModule(derivation), seed)


def _check_functions(module: NumpyModule, seed: int) -> Report:
    functions = exported(module.text())
    return judge_functions(module.problem, functions, seed=seed, points=FUNCTION_POINTS)


def write_code(
    derivation: Derivation, path: Path, *, test: bool = False, force: bool = False, seed: int = 0
) -> tuple[Path, ...]:
    """Write the module of :func:`code`, and on request a test of it beside it.

    Returns:
        What was written.

    Raises:
        CheckError: As :func:`code`; then nothing is written.
        InputError: A file exists and ``force`` is not set, cannot be written, or cannot be
            imported by its test.
    """
    if test and (path.suffix != ".py" or module_name(path.stem) != path.stem):
        raise InputError(
            f"a test cannot import {path.name}",
            (f"Call it {module_name(path.stem)}.py.",),
        )
    module, text = _judged_module(derivation, seed)
    texts = {path: text}
    if test:
        texts[path.with_name(f"test_{path.name}")] = module.test_text(path.stem)
    write_files(texts, force=force)
    return tuple(texts)


EXPORTED = ("grad_", "value_and_grad_", "jacobian_", "jvp_", "vjp_", "hessian_", "hvp_")
"""How the names of functions begin that answer requests."""


def exported(text: str) -> dict[str, Callable[..., Any]]:
    """The functions of a generated module that answer a request, by name."""
    module: dict[str, Any] = {"__name__": "generated"}
    exec(compile(text, "<generated module>", "exec", dont_inherit=True), module)
    names = [name for name in module if name.startswith(EXPORTED)]
    return {name: module[name] for name in names if callable(module[name])}


def module_name(name: str) -> str:
    """A name under which Python can import a module, and which hides no other.

    >>> module_name("my-net"), module_name("2nets"), module_name("numpy")
    ('my_net', '_2nets', 'numpy_')
    """
    word = re.sub(r"\W", "_", name) or "_"
    if not word.isidentifier():
        word = f"_{word}"
    reserved = keyword.iskeyword(word) or word in sys.stdlib_module_names or word in TAKEN
    return f"{word}_" if reserved else word


def build(
    problem: Problem,
    folder: Path | str,
    *,
    lang: Iterable[str] = ("en",),
    force: bool = False,
) -> tuple[Path, ...]:
    """Write all outputs of a problem into a folder, all of them or none.

    The problem itself, ``derivation.txt``, the notes in every format, the module, its test, and
    for the examples that are networks to train the script that trains them. Notes in a language
    other than English have its code in their name, ``notes.zh.html``.

    Returns:
        What was written.

    Raises:
        CheckError: The derivation or the code is wrong.
        InputError: A file exists and ``force`` is not set, or cannot be written.
    """
    derivation = derive(problem)
    name = module_name(problem.name)
    report = check(derivation)
    module, written = _judged_module(derivation, 0, report)
    texts = {f"{name}.py": written, f"test_{name}.py": module.test_text(name)}
    for language in lang:
        found = page(derivation, report, lang=language)
        mark = "" if language == "en" else f".{language}"
        texts[f"derivation{mark}.txt"] = notes(found, "txt")
        for format in NOTES:
            texts[f"notes{mark}.{format}"] = notes(found, format, code=written)
    if problem.source:
        texts = {f"{problem.name}.derive": problem.source, **texts}
    if problem.name in TRAINED and problem.source == example_text(problem.name):
        from derive.emit.training import training_script

        texts["train.py"] = training_script(name, rows=problem.name == "circles_rows")
    paths = {Path(folder) / name: text for name, text in texts.items()}
    own = {path: text for path, text in paths.items() if not _is_same(path, text)}
    write_files(own, force=force)
    return tuple(paths)


def build_index(folder: Path | str, *, force: bool = False) -> tuple[Path, ...]:
    """Write the index of a folder that holds a folder for each example: HTML, and Markdown.

    Returns:
        What was written.

    Raises:
        InputError: A file exists and ``force`` is not set, or an example was not built there.
    """
    from derive.emit.gallery import Entry, gallery_html, gallery_markdown

    entries = []
    for name, about in descriptions().items():
        place = Path(folder) / name
        if not place.is_dir():
            raise InputError(f"{place} is not there", (f"Run derive build {name} -o {place}.",))
        own = [
            f"{name}.derive",
            *(f"notes.{format}" for format in NOTES),
            f"{module_name(name)}.py",
        ]
        files = [file for file in own if (place / file).is_file()]
        entries.append(Entry(name, about, page(derive(example(name)), detail="result"), files))
    texts = {
        Path(folder) / "index.html": gallery_html(entries),
        Path(folder) / "README.md": gallery_markdown(entries),
    }
    write_files(texts, force=force)
    return tuple(texts)


def _is_same(path: Path, text: str) -> bool:
    """Whether a file holds a text already, as the problem's own file does when built in place."""
    try:
        return path.read_bytes() == text.encode()
    except (OSError, ValueError):
        return False


def vocabulary_function(name: str) -> Callable[..., Expression]:
    """A function of the language as a Python function of SymPy expressions."""
    from derive.vocabulary import FUNCTIONS

    row = FUNCTIONS[name]

    def apply(*operands: Expression) -> Expression:
        return call(row.name, *operands)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"{row.usage}: {row.meaning}."
    return apply
