"""Input that nobody should write: one clear message each, never a traceback, nothing executed."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from derive.errors import DeriveError, InputError
from derive.language import parse, read
from derive.language.source import DEEPEST, LONGEST
from derive.shapes import ShapeMismatch


def failure(text: str) -> str:
    """The message that a text gets."""
    with pytest.raises(DeriveError) as caught:
        parse(text)
    return str(caught.value)


def read_failure(path: Path | str) -> str:
    """The message that a file gets."""
    with pytest.raises(InputError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "# nothing\n", ";;", "\ufeff"])
def test_empty(text: str) -> None:
    assert failure(text) == (
        "nothing is asked in <expression>: it is empty\n"
        "  Ask for a derivative, as in: grad norm2(A*x - b)^2 wrt x"
    )


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "small.derive"
    path.write_bytes(b"\xef\xbb\xbfx : (3)\r\ngrad norm2(x)\twrt x\r\n")
    problem = read(path)
    assert problem.name == "small"
    assert problem.requests[0].wrt == ("x",)
    assert read(str(path)).requests == problem.requests


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"grad norm2(x) wrt x")))
    assert read("-").name == "problem"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"grad ( wrt x")))
    assert "  <stdin>, line 1:   grad ( wrt x" in read_failure("-")


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "circels.derive"
    assert read_failure(path) == f"there is no file {path}"
    (tmp_path / "circles.derive").write_text("x : (3)")
    assert read_failure(path) == (
        f"there is no file {path}\n  Did you mean {tmp_path / 'circles.derive'}?"
    )
    assert read_failure(tmp_path / "no" / "x.derive") == (
        f"there is no file {tmp_path / 'no' / 'x.derive'}"
    )


def test_a_folder(tmp_path: Path) -> None:
    assert read_failure(tmp_path) == (
        f"{tmp_path} is a folder, not a file\n  Name a file in it: a problem is one file."
    )


def test_a_path_that_is_none() -> None:
    assert read_failure("x" * 5000).startswith("x" * 5000 + " cannot be read: ")
    assert "cannot be read" in read_failure("a\0b")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    path = tmp_path / "secret.derive"
    assert read_failure(path) == f"{path} cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n", "is not text: byte 1 is not UTF-8"),
        (b"grad \xff", "is not text: byte 6 is not UTF-8"),
        (b"x : (3)\nx\x00y", "is not text: line 2 holds the control character U+0000"),
        (b"\x1b[31m", "is not text: line 1 holds the control character U+001B"),
        (b"\x7fELF\x02\x01", "is not text: line 1 holds the control character U+007F"),
    ],
)
def test_rubbish(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "rubbish.derive"
    path.write_bytes(data)
    assert read_failure(path) == f"{path} {message}\n  A problem is a text file in UTF-8."


def test_lone_surrogates_are_rubbish() -> None:
    assert "control character U+DC80" in failure("x\udc80")


def test_a_file_of_ten_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.derive"
    path.write_bytes(b"x = x + x\n" * 1_000_000)
    assert read_failure(path) == (
        f"{path} is too large: a problem holds at most 250,000 bytes\n"
        "  A problem is what a person writes before deriving; data do not belong in it."
    )
    assert "is too large" in failure("x" * (LONGEST + 1))


@pytest.mark.parametrize("bracket", ["(", "["])
def test_brackets_nested_deeply(bracket: str) -> None:
    message = failure("grad " + bracket * 100_000)
    assert message.startswith("nested too deeply\n")
    assert message.endswith(
        f"\n  At most {DEEPEST} brackets may be open at once. Name a part of it."
    )


@pytest.mark.parametrize(
    "text",
    [
        "-" * 10_000 + "x",
        "x" + "'" * 10_000,
        "^".join("x" * 10_000),
        "x" + "*x .* x" * 1_000,
    ],
)
def test_operations_nested_deeply(text: str) -> None:
    message = failure(f"grad sum({text}) wrt x")
    assert message.startswith("nested too deeply\n")
    assert message.endswith(
        f"\n  At most {DEEPEST} operations may be nested. Give a part of it a name."
    )


def test_scalings_nested_deeply_do_not_hang() -> None:
    text = "(2*(" * 30 + "x" + ")+x)" * 30
    assert failure(f"x : (n); grad sum({text}) wrt x").startswith("nested too deeply")


def test_brackets_as_deep_as_allowed() -> None:
    text = "(" * (DEEPEST - 1) + "x" + ")" * (DEEPEST - 1)
    assert parse(f"grad norm2{text} wrt x").shape("f") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os')", "there is no function __import__"),
        ("grad __import__ wrt x", "__import__ is not a name"),
        ("grad __import__(os) wrt os", "there is no function __import__"),
        ("W1; import os", "there is no operator between import and os"),
        ("W1\nimport os", "there is no operator between import and os"),
        ("np", "np alone asks nothing"),
        ("np.linalg.inv(A)", ". is not part of the language"),
        ("lambda x: x", "there is no operator between lambda and x"),
        ("grad open(x) wrt x", "there is no function open"),
        ("x = 3; del x", "there is no operator between del and x"),
        ("grad x.__class__ wrt x", ". is not part of the language"),
        ("grad (lambda: 0) wrt x", "unexpected :"),
        ("grad exec(x) wrt x", "there is no function exec\n"),
        ("{{ 7*7 }}", "{ is not part of the language"),
        ("grad $(rm) wrt x", "$ is not part of the language"),
        ("grad `id` wrt x", "` is not part of the language"),
        ("../../etc/passwd", ". is not part of the language"),
    ],
)
def test_python_and_shells_mean_nothing(text: str, message: str) -> None:
    assert failure(text).startswith(message)


def test_names_of_python_are_names() -> None:
    problem = parse("np : (n); os : (n); grad lambda*dot(np, os) + class^2 wrt np, lambda, class")
    assert problem.shape("lambda") == problem.shape("class") == ()


def test_nothing_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for text in (
        f"__import__('pathlib').Path('{mark}').touch()",
        f"grad open('{mark}', 'w') wrt x",
        f"x = eval(\"open('{mark}', 'w')\")",
    ):
        failure(text)
    assert not mark.exists()


@pytest.mark.parametrize(
    "text",
    [
        "grad 10^10^10 wrt x",
        "grad 2^-99999999999*norm2(x) wrt x",
        "grad (1/3)^99999999*norm2(x) wrt x",
        "grad 9.^9.^9.^9*norm2(x) wrt x",
        "grad 1e-99999*norm2(x) wrt x",
        "grad " + "9" * 5000 + "*norm2(x) wrt x",
        "grad 1e" + "9" * 5000 + "*norm2(x) wrt x",
        "grad (2^4000*2^4000)*norm2(x) wrt x",
        "x : (" + "9" * 5000 + ")",
    ],
)
def test_numbers_that_are_too_large(text: str) -> None:
    message = failure(text)
    assert (
        "too large to be written out" in message
        or "there is no x" in message
        or ("a dimension is a positive integer" in message)
    )


WORDS: Final = (
    "grad jacobian hessian check wrt x y W A b c n m 2 0 0.5 1e3 I e pi symmetric lambda "
    "+ - * / ^ .* ./ .^ ' .T ( ) [ ] , : ; = < >= # sum exp softmax inv tr norm2 max where ones "
    "[0] [1:] [:,0] kron hcat unvec(x,n,2) layernorm α"
).split()


@settings(max_examples=400)
@given(st.lists(st.sampled_from([*WORDS, "\n", " "]), max_size=25).map(" ".join))
@example("grad x ^ 0 wrt x")
@example("grad 0 ^ e wrt e")
@example("x = ( e - e ) ^ - 1 ; grad x wrt x")
def test_no_sentence_of_words_brings_a_traceback(text: str) -> None:
    try:
        parse(text)
    except DeriveError as error:
        assert str(error)


@settings(max_examples=400)
@given(st.text(max_size=40))
def test_no_text_brings_a_traceback(text: str) -> None:
    try:
        parse(text)
    except DeriveError as error:
        assert str(error)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_no_bytes_bring_a_traceback(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        try:
            read("-")
        except DeriveError as error:
            assert str(error)


EXPRESSIONS: Final = st.recursive(
    st.sampled_from(["x", "y", "A", "c", "2", "0", "n", "I", "ones(n)", "e", "k"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", "*", " .* ", "/", " ./ ", "^", ".^"]), inner).map(
            "({0[0]}{0[1]}{0[2]})".format
        ),
        st.tuples(
            st.sampled_from(
                "- exp sum softmax inv tr diag norm2 relu max vec pinv tril expm layernorm "
                "rowlayernorm batchnorm rowmax colvar prod".split()
            ),
            inner,
        ).map("{0[0]}({0[1]})".format),
        st.tuples(st.sampled_from("kron hcat vcat solve max layernorm".split()), inner, inner).map(
            "{0[0]}({0[1]}, {0[2]})".format
        ),
        inner.map("{}'".format),
        st.tuples(
            inner, st.sampled_from("0 -1 1: :-1 0,0 0,: :,-1 1:,: :,1: n: :n,0 :n-1,: n-1".split())
        ).map("({0[0]})[{0[1]}]".format),
    ),
    max_leaves=8,
)


@settings(max_examples=400)
@given(EXPRESSIONS)
def test_what_the_shapes_allow_can_be_built(text: str) -> None:
    """Inference and the builders follow one set of shape rules: no mismatch is left to SymPy."""
    try:
        parse(f"x : (n); y : (n); A : (n, n); c : (); jacobian {text} wrt c")
    except DeriveError as error:
        assert not isinstance(error, ShapeMismatch)
