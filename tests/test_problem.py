"""Problems built from SymPy expressions: what is collected, and what is refused."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sympy
from sympy import (
    BlockMatrix,
    Determinant,
    DiagMatrix,
    HadamardPower,
    HadamardProduct,
    Identity,
    Inverse,
    MatPow,
    MatrixSymbol,
    OneMatrix,
    Symbol,
    Trace,
    ZeroMatrix,
    symbols,
)

from derive.errors import InputError, UnsupportedError
from derive.language import parse
from derive.problem import (
    Definition,
    Problem,
    Request,
    Variable,
    check_facts,
    free_name,
    sort_definitions,
)
from derive.shapes import as_dim, shape_text
from derive.vocabulary import call, entries

k, m, n = symbols("k m n")
A: Final = MatrixSymbol("A", m, n)
S: Final = MatrixSymbol("S", n, n)
x: Final = MatrixSymbol("x", n, 1)
b: Final = MatrixSymbol("b", m, 1)
c: Final = Symbol("c")
GRAD_X: Final = [Request("grad", "J", ("x",))]


def failure(*arguments: Any, **options: Any) -> str:
    """The message that a problem gets."""
    with pytest.raises(InputError) as caught:
        Problem.build(*arguments, **options)
    return str(caught.value)


def test_symbols_become_variables() -> None:
    problem = Problem.build({"J": c * Trace(x.T * S * x)}, GRAD_X, {"S": ["symmetric"]})
    assert {name: shape_text(v.shape) for name, v in problem.variables.items()} == {
        "S": "(n, n)",
        "c": "()",
        "x": "(n)",
    }
    assert problem.facts("S") == {"symmetric"}
    assert problem.sizes == ("n",)
    assert not any(variable.inferred for variable in problem.variables.values())


def test_both_roads_meet() -> None:
    r = MatrixSymbol("r", m, 1)
    built = Problem.build({"J": (r.T * r) / 2, "r": A * x - b}, GRAD_X)
    read = parse("A : (m, n); x : (n); b : (m); r = A*x - b; J = r'*r/2; grad J wrt x")
    assert dict(built.variables) == dict(read.variables)
    assert built.definitions["r"].expression.doit() == read.definitions["r"].expression.doit()
    assert list(built.definitions) == list(read.definitions) == ["r", "J"]
    assert built.requests == read.requests
    assert built.shape("J") == read.shape("J") == ()


def test_assumptions_do_not_matter() -> None:
    problem = Problem.build({"J": c * sympy.sin(c)}, [Request("grad", "J", ("c",))])
    (symbol,) = problem.definitions["J"].expression.free_symbols
    assert symbol == problem.symbol("c") == Symbol("c", real=True)
    sized = Problem.build({"J": Trace(x.T * x) / n}, GRAD_X)
    assert sized.definitions["J"].expression.free_symbols >= {as_dim("n")}
    assert list(sized.variables) == ["x"]


def test_a_size_that_no_variable_has_is_a_size() -> None:
    count = call("sum", OneMatrix(m, 1))
    problem = Problem.build({"J": count * Trace(x.T * x)}, GRAD_X)
    assert problem.sizes == ("n", "m")
    assert list(problem.variables) == ["x"]


@pytest.mark.parametrize(
    "expression",
    [
        A.T * A + Identity(n),
        HadamardProduct(A, A),
        HadamardPower(A, 2),
        A.applyfunc(sympy.sin),
        Inverse(S),
        MatPow(S, 3),
        Determinant(S),
        DiagMatrix(x),
        sympy.DiagonalMatrix(S),
        ZeroMatrix(m, n) + A,
        A[0, n - 1],
        call("softmax", x),
        call("sum", A),
        2.5,
        3,
    ],
)
def test_expressions_of_sympy(expression: Any) -> None:
    problem = Problem.build({"Y": expression, "J": c}, [Request("jacobian", "Y", ("c",))])
    definition = problem.definitions["Y"]
    assert isinstance(definition, Definition)
    assert isinstance(definition.expression, sympy.Expr)
    assert "c" in problem.variables


def test_order_of_variables() -> None:
    expression = Trace(x.T * A.T * b)
    assert list(Problem.build({"J": expression}, GRAD_X).variables) == ["A", "b", "x"]
    problem = Problem.build({"J": expression}, GRAD_X, variables=[x, c, b])
    assert list(problem.variables) == ["x", "c", "b", "A"]
    assert problem.shape("c") == ()


def test_requests_take_symbols_and_single_names() -> None:
    assert Request("grad", "J", "x") == Request("grad", "J", ("x",))  # type: ignore[arg-type]
    assert Request("grad", "J", (x, c)) == Request("grad", "J", ("x", "c"))


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        (
            {"J": "x'*x"},
            "J is to be a SymPy expression, got str\n  Text is read by derive.language.parse.",
        ),
        (
            {"J": sympy.Matrix([[1, 2]])},
            "J is to be a SymPy expression, got MutableDenseMatrix\n"
            "  Use a MatrixSymbol in place of a matrix of entries.",
        ),
        ({"J": None}, "J is to be a SymPy expression, got NoneType"),
        ({"J": True}, "J is to be a SymPy expression, got bool"),
        ({"J": sympy.Eq(c, 1)}, "J is to be a SymPy expression, got Equality"),
        ({"2J": c}, "'2J' is not a name: a name is letters, digits and _"),
        ({c: c}, "c is not a name: a name is letters, digits and _"),
        ({"sum": c}, "sum is a function, and cannot name a quantity"),
        ({"J": Symbol("a b")}, "'a b' is not a name: a name is letters, digits and _"),
        ({"J": Trace(x.T * x) * Symbol("x")}, "x is () in one place, and (n) in another"),
        (
            {"J": Trace(x.T * x) * MatrixSymbol("n", 1, 1)[0, 0]},
            "n is a dimension, and cannot stand for anything else",
        ),
        (
            {"J": Symbol("K"), "K": Symbol("J") + c},
            "the definitions go round in a circle\n  Each uses the next: J -> K -> J.",
        ),
        (
            {"r": A * x, "J": Trace(MatrixSymbol("r", n, 1).T * x)},
            "r is defined as (m) and used as (n)",
        ),
    ],
)
def test_definitions_that_are_wrong(definitions: Any, message: str) -> None:
    assert failure(definitions, GRAD_X) == message


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("grad", "J", ("X",)), "there is no X in the problem\n  Did you mean x?"),
        (Request("grad", "K", ("x",)), "there is no K in the problem"),
        (Request("grad", "J", ()), "nothing to differentiate J by"),
        (Request("gradient", "J", ("x",)),  # type: ignore[arg-type]
         "gradient is no question: ask for grad, jacobian, hessian or derivative"),
        (Request("grad", "r", ("x",)),
         "r is (m), and only a scalar has a gradient\n"
         "  Ask for its Jacobian, or for the gradient of a scalar made of it."),
        (Request("hessian", "r", ("x",)),
         "r is (m), and only a scalar has a Hessian\n"
         "  Ask for its Jacobian, or for the gradient of a scalar made of it."),
    ],
)  # fmt: skip
def test_requests_that_are_wrong(request_: Request, message: str) -> None:
    assert failure({"r": A * x, "J": Trace(x.T * x)}, [request_]) == message


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"A": ["symmetric"]},
         "symmetric needs a square matrix, and A is (m, n)\n  Declare A : (m, m)."),
        ({"A": ["symetric"]}, "symetric is not a fact\n  Did you mean symmetric?"),
        ({"B": ["symmetric"]}, "there is no B in the problem"),
        ({"J": ["positive"]}, "there is no J in the problem"),
    ],
)  # fmt: skip
def test_facts_that_are_wrong(facts: dict[str, list[str]], message: str) -> None:
    assert failure({"J": Trace(x.T * A.T * A * x)}, GRAD_X, facts) == message


def test_facts_need_their_shapes() -> None:
    check_facts("y", (as_dim(3),), ("probability", "onehot", "signs", "integer", "positive"))
    check_facts("c", (), ("positive", "symmetric"))
    with pytest.raises(InputError, match="probability is said of several entries"):
        check_facts("c", (), ("probability",))


def test_sizes_come_from_shapes_and_expressions() -> None:
    problem = Problem({"x": Variable("x", (as_dim("k"),))}, {}, ())
    assert problem.sizes == ("k",)


def test_entries_and_blocks() -> None:
    F = MatrixSymbol("F", 3, 4)
    y = MatrixSymbol("y", k, 1)
    definitions = {
        "a": F[0, 1] * F[-1, -1] + y[k - 1, 0],
        "J": call("sum", F[1:, 0:2]) + call("sum", A[-1, :]),
    }
    problem = Problem.build(definitions, [Request("grad", "J", ("F",))])
    size, entry = as_dim("k"), MatrixSymbol("y", as_dim("k"), 1)
    assert problem.definitions["a"].expression == F[0, 1] * F[2, 3] + entry[size - 1, 0]
    assert problem.sizes == ("k", "m", "n")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (A[0, 1], "column 1 may be out of range: A has n columns"),
        (call("sum", A[0:2, :]), "rows 0:2 may be out of range: A has m rows"),
        (A[k, 0], "row k may be out of range: A has m rows"),
        (call("sum", (A * S)[2, :]), "rows 2:3 may be out of range: A*S has m rows"),
    ],
)
def test_entries_that_may_be_outside(expression: Any, message: str) -> None:
    advice = "An index is a number, or made of sizes with which it is always inside."
    assert failure({"J": expression}, [Request("grad", "J", ("A",))]) == f"{message}\n  {advice}"


def test_a_symbol_of_an_index_is_a_size() -> None:
    k_scalar = Symbol("k", real=True)
    assert failure({"J": MatrixSymbol("y", k, 1)[k - 1, 0] * k_scalar}, GRAD_X) == (
        "k is a dimension, and cannot stand for anything else"
    )


def test_an_entry_of_a_product_is_asked_for_as_such() -> None:
    with pytest.raises(UnsupportedError, match=r"Write derive\.entries\(A\*B, i, j\)"):
        Problem.build({"J": (A * S)[0, 0]}, [Request("grad", "J", ("A",))])
    problem = Problem.build({"J": entries(A * S, 0, 0)}, [Request("grad", "J", ("A",))])
    assert problem.shape("J") == ()


def test_block_matrices_are_arrays_side_by_side() -> None:
    inner = BlockMatrix([[S, S.T]])
    problem = Problem.build(
        {
            "J": call("sum", inner)
            + call("sum", BlockMatrix([[S, S], [S, BlockMatrix([[S]])]]) * BlockMatrix([[x], [x]]))
        },
        GRAD_X,
    )
    T, y = problem.symbol("S"), problem.symbol("x")
    square = call("vcat", call("hcat", T, T), call("hcat", T, T))
    assert problem.definitions["J"].expression == call("sum", call("hcat", T, T.T)) + call(
        "sum", square * call("vcat", y, y)
    )


def test_a_size_that_a_function_takes() -> None:
    v = MatrixSymbol("v", m * n, 1)
    problem = Problem.build({"J": call("sum", call("unvec", v, m, n) * x)}, GRAD_X)
    assert problem.shape("v") == (as_dim("m") * as_dim("n"),)
    assert problem.sizes == ("m", "n")


def test_free_names() -> None:
    assert free_name("f", ()) == "f"
    assert free_name("f", {"f", "f2", "f4"}) == "f3"


def test_definitions_are_sorted() -> None:
    assert sort_definitions({"c": "ab", "a": "", "b": "a"}) == (["a", "b", "c"], [])
    assert sort_definitions({"b": "z", "a": "", "c": "b"}) == (["b", "a", "c"], [])
    assert sort_definitions({"a": "a"}) == ([], ["a"])
    assert sort_definitions({"z": "", "a": "b", "b": "c", "c": "db", "d": ""})[1] == ["b", "c"]


def test_a_long_chain_is_sorted_without_recursion() -> None:
    count = 20_000
    uses = {f"x{k}": [f"x{k + 1}"] for k in range(count)}
    order, circle = sort_definitions(uses)
    assert order == [f"x{k}" for k in range(count - 1, -1, -1)]
    assert circle == []
