"""The Python road: public names, imported when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import sympy
from sympy import MatrixSymbol, Symbol

import derive
from derive import CheckError, InputError, Problem, Request
from derive.notes import FORMATS
from derive.vocabulary import FUNCTIONS

ROOT: Final = Path(__file__).resolve().parents[1]

n, m = sympy.symbols("n m", integer=True, positive=True)
A, S = MatrixSymbol("A", m, n), MatrixSymbol("S", n, n)
x, b = MatrixSymbol("x", n, 1), MatrixSymbol("b", m, 1)


def test_every_public_name_is_there() -> None:
    for name in derive.__all__:
        assert getattr(derive, name) is not None
    assert {*derive.__all__, *FUNCTIONS} <= set(dir(derive))


def test_derive_is_the_function() -> None:
    derivation = derive.derive(derive.parse("grad norm2(x)^2 wrt x"))
    assert isinstance(derivation, derive.Derivation)


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'derive' has no attribute 'softmaxx'"):
        derive.softmaxx  # noqa: B018
    with pytest.raises(AttributeError, match="module 'derive' has no attribute '_secret'"):
        derive._secret  # noqa: B018


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_language(name: str) -> None:
    function = getattr(derive, name)
    assert function.__name__ == name
    assert function.__doc__ == f"{FUNCTIONS[name].usage}: {FUNCTIONS[name].meaning}."


def test_importing_derive_is_cheap() -> None:
    program = "import derive, sys; print(*{'sympy', 'numpy', 'rich'} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("\n", "")


# gradient: SymPy in, SymPy out


def test_gradient_of_a_norm() -> None:
    assert derive.gradient(derive.norm2(A * x - b) ** 2, x) == 2 * A.T * (A * x - b)


def test_gradient_with_facts() -> None:
    form = x.T * S * x
    assert derive.gradient(form, x, facts={"S": ["symmetric"]}) == 2 * S * x
    assert derive.gradient(form, x) == (S + S.T) * x


def test_gradient_of_a_determinant() -> None:
    assert derive.gradient(derive.logdet(S), S) == S.T.inv()
    assert derive.gradient(derive.det(S), S) == derive.det(S) * S.T.inv()


def test_gradient_with_respect_to_a_scalar() -> None:
    c = Symbol("c")
    assert derive.gradient(c**2 * derive.sum(x), c) == 2 * c * derive.sum(x)


def test_gradient_has_the_symbols_of_the_question_alone() -> None:
    y = MatrixSymbol("y", m, 1)
    found = derive.gradient(derive.sum(derive.softplus(derive.sigmoid(A * x) + y)), x)
    assert {str(symbol) for symbol in found.atoms(MatrixSymbol)} <= {"A", "x", "y"}


def test_gradient_of_no_scalar() -> None:
    with pytest.raises(InputError, match=r"f is \(m\), and only a scalar has a gradient"):
        derive.gradient(A * x, x)


def test_gradient_with_respect_to_no_symbol() -> None:
    with pytest.raises(InputError, match="the gradient is with respect to a symbol, got A"):
        derive.gradient(derive.norm2(A * x), A * x)


def test_gradient_with_respect_to_what_does_not_occur() -> None:
    assert derive.gradient(derive.norm2(x), b) == sympy.ZeroMatrix(m, 1)


# From a problem to pages


def problem() -> Problem:
    definitions = {"r": A * x - b, "J": derive.norm2(MatrixSymbol("r", m, 1)) ** 2}
    return Problem.build(definitions, [Request("grad", "J", ("x",))], name="lsq")


def test_explain_check_and_code() -> None:
    derivation = derive.derive(problem())
    report = derive.check(derivation)
    assert report.passed
    assert "2 Aᵀ (A x − b)" in derive.explain(derivation, report) or "2 Aᵀ r" in derive.explain(
        derivation
    )
    assert "def grad_J_x(" in derive.code(derivation)


def test_notes(tmp_path: Path) -> None:
    derivation = derive.derive(problem())
    found = derive.page(derivation, derive.check(derivation), lang="zh")
    path = tmp_path / "lsq.json"
    assert derive.write_notes(found, path) == (path,)
    assert derive.read_record(path.read_text(encoding="utf-8")).language == "zh"


def test_build(tmp_path: Path) -> None:
    written = derive.build(problem(), tmp_path / "out")
    notes = [f"notes.{format}" for format in FORMATS if format != "txt"]
    names = ["derivation.txt", "lsq.py", *notes, "test_lsq.py"]
    assert sorted(path.name for path in written) == sorted(names)
    derive.build(problem(), tmp_path / "out")  # the same again does no harm
    (tmp_path / "out/lsq.py").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        derive.build(problem(), tmp_path / "out")
    derive.build(problem(), tmp_path / "out", force=True)
    assert (tmp_path / "out/lsq.py").read_text() != "mine"


def test_code_that_is_wrong_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    from derive.emit.numpy_code import NumpyModule

    right = NumpyModule.text

    def wrong(module: NumpyModule, **options: str) -> str:
        return right(module, **options).replace("r_bar = 2.0 * r", "r_bar = 2.001 * r")

    derivation = derive.derive(problem())
    assert wrong(NumpyModule(derivation)) != right(NumpyModule(derivation))
    monkeypatch.setattr(NumpyModule, "text", wrong)
    with pytest.raises(CheckError, match="the generated code failed the check"):
        derive.code(derivation)


def test_example() -> None:
    assert derive.example("testnet").shape("W1") == (4, 3)
    with pytest.raises(InputError, match="there is no example testnot\n  Did you mean testnet"):
        derive.example("testnot")
