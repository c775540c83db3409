"""Bad input: one clear message, exit code 2, no traceback, nothing printed, written or executed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]

# what is written: the whole message
TEXTS: Final = {
    "unknown name": (
        "J = norm2(A*x - b)^2; grad J wrt w",
        """\
error: there is no w in the problem
  <expression>, line 1:   J = norm2(A*x - b)^2; grad J wrt w
                                                           ^
""",
    ),
    "shape mismatch": (
        "W1 : (4, 3)\nx : (5)\nb1 : (4)\nz1 = W1*x + b1\ngrad sum(z1) wrt W1",
        """\
error: the shapes do not fit in W1*x
  <expression>, line 4:   z1 = W1*x + b1
                               ~~ ~
  W1 is (4, 3), x is (5): the 3 columns of W1 meet the 5 rows of x.
  Declare x : (3), or W1 : (4, 5).
""",
    ),
    "sizes too large to check": (
        "A : (10000, 10000); x : (10000); grad norm2(A*x)^2 wrt x",
        """\
error: A has 100,000,000 entries, too many to check numerically
  Write its sizes as names, such as (n, m): the check chooses small numbers.
""",
    ),
    "two columns": (
        "x : (3); y : (3); grad sum(x*y) wrt x",
        """\
error: two columns cannot be multiplied with *
  <expression>, line 1:   x : (3); y : (3); grad sum(x*y) wrt x
                                                     ~ ~
  x is (3), y is (3).
  Write x .* y for the product entry by entry, x'*y for the inner product, x*y' for the outer \
product.
""",
    ),
    "inverse of a non-square matrix": (
        "A : (3, 4); grad sum(inv(A)) wrt A",
        """\
error: inv takes a square matrix (n, n)
  <expression>, line 1:   A : (3, 4); grad sum(inv(A)) wrt A
                                                   ^
  A is (3, 4).
  Declare A : (3, 3).
""",
    ),
    "determinant of a non-square matrix": (
        "A : (3, 4); grad det(A) wrt A",
        """\
error: det takes a square matrix (n, n)
  <expression>, line 1:   A : (3, 4); grad det(A) wrt A
                                               ^
  A is (3, 4).
  Declare A : (3, 3).
""",
    ),
    "gradient of a vector": (
        "A : (3, 4); x : (4); grad A*x wrt x",
        """\
error: A*x is not a scalar, and only a scalar has a gradient
  <expression>, line 1:   A : (3, 4); x : (4); grad A*x wrt x
                                                    ~~~
  A*x is (3).
  Ask for jacobian A*x wrt x, or for the gradient of a scalar made of it, such as sum(A*x).
""",
    ),
    "two definitions": (
        "J = sum(x); J = sum(x); grad J wrt x",
        """\
error: J stands for two things: line 1 has it already
  <expression>, line 1:   J = sum(x); J = sum(x); grad J wrt x
                                      ^
  Choose another name for one of them.
""",
    ),
    "a circle": (
        "a = b; b = a; grad sum(a) wrt b",
        """\
error: the definitions go round in a circle
  <expression>, line 1:   a = b; b = a; grad sum(a) wrt b
                                     ^
  Each uses the next: a -> b -> a.
""",
    ),
    "an open bracket": (
        "grad sum((x wrt x",
        """\
error: the bracket ( is not closed
  <expression>, line 1:   grad sum((x wrt x
                                   ^
  Write ) where it ends.
""",
    ),
    "a closing bracket": (
        "grad sum(x)) wrt x",
        """\
error: the bracket ) was never opened
  <expression>, line 1:   grad sum(x)) wrt x
                                     ^
""",
    ),
    "import": (
        "__import__('os')",
        """\
error: there is no function __import__
  <expression>, line 1:   __import__('os')
                          ~~~~~~~~~~
""",
    ),
    "a call of import": (
        "grad __import__('os').system('touch executed') wrt x",
        """\
error: there is no function __import__
  <expression>, line 1:   grad __import__('os').system('touch executed') wrt x
                               ~~~~~~~~~~
""",
    ),
    "np": (
        "np",
        """\
error: np alone asks nothing
  <expression>, line 1:   np
                          ~~
  Define it (z = W*x), declare it (x : (n)), or ask for a derivative, as in: \
grad norm2(A*x - b)^2 wrt x
""",
    ),
    "lambda": (
        "lambda",
        """\
error: lambda alone asks nothing
  <expression>, line 1:   lambda
                          ~~~~~~
  Define it (z = W*x), declare it (x : (n)), or ask for a derivative, as in: \
grad norm2(A*x - b)^2 wrt x
""",
    ),
    "an import behind a name": (
        "W1; import os",
        """\
error: there is no operator between import and os
  <expression>, line 1:   W1; import os
                                     ~~
  Write import*os for a product.
""",
    ),
    "nothing": (
        "",
        """\
error: nothing is asked in <expression>: it is empty
  Ask for a derivative, as in: grad norm2(A*x - b)^2 wrt x
""",
    ),
    "what has no law": (
        "A : (3, 3); grad tr(A^0.5) wrt A",
        """\
error: a power of a matrix with an exponent that is not a whole number
  <expression>, line 1:   A : (3, 3); grad tr(A^0.5) wrt A
                                              ~~~~~
""",
    ),
}

COMMANDS: Final = (
    ("explain",),
    ("verify",),
    ("code", "-o", "out.py", "--test"),
    ("build", "-o", "out"),
)


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_bad_text(run, folder: Path, case: str, command: tuple[str, ...]) -> None:
    text, message = TEXTS[case]
    ran = run(*command, "-e", text)
    assert (ran.status, ran.out, ran.err) == (2, "", message)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("case", TEXTS)
def test_bad_text_in_a_file_and_typed(run, folder: Path, case: str) -> None:
    text, message = TEXTS[case]
    (folder / "p.derive").write_text(text, encoding="utf-8")
    ran = run("explain", "p.derive")
    indent = " " * (len("<expression>") - len("p.derive"))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == message.splitlines()[0].replace("<expression>", "p.derive")
    assert len(ran.err) <= len(message) + len(indent)
    assert run("explain", "-", typed=text).err.splitlines()[0] == message.splitlines()[0].replace(
        "<expression>", "<stdin>"
    )


def test_missing_file(run, folder: Path) -> None:
    ran = run("explain", "missing.derive")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "error: there is no file missing.derive\n"


def test_missing_file_with_a_name_like_one_that_is_there(run, folder: Path) -> None:
    (folder / "net.derive").write_text("grad sum(x) wrt x")
    ran = run("explain", "nett.derive")
    assert (ran.status, ran.err) == (
        2,
        "error: there is no file nett.derive\n  Did you mean net.derive?\n",
    )


def test_name_like_an_example(run) -> None:
    assert run("explain", "tesnet").err == (
        "error: there is no file tesnet, and no example of that name\n  Did you mean testnet?\n"
    )


def test_folder(run, folder: Path) -> None:
    ran = run("explain", ".")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: . is a folder, not a file\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "error: nothing is asked in p.derive: it is empty"),
        (b"# nothing\n\n", "error: nothing is asked in p.derive: it is empty"),
        (bytes(range(256)) * 20, "error: p.derive is not text: byte 129 is not UTF-8"),
        (
            b"grad\0 sum(x) wrt x",
            "error: p.derive is not text: line 1 holds the control character U+0000",
        ),
        (b"x" * 10_000_000, "error: p.derive is too large: a problem holds at most 250,000 bytes"),
        (b"grad " + b"(" * 100_000 + b"x" + b")" * 100_000 + b" wrt x", "error: nested too deeply"),
        (b"grad " + b"(" * 200_000, "error: nested too deeply"),
        (b"grad sum(" + b"-" * 200_000 + b"x) wrt x", "error: "),
        (b"grad sum(x" + b"'" * 200_000 + b") wrt x", "error: "),
    ],
    ids=["empty", "comment", "rubbish", "null", "10 MB", "deep", "open", "minus", "primes"],
)
def test_bad_file(run, folder: Path, data: bytes, message: str) -> None:
    (folder / "p.derive").write_bytes(data)
    ran = run("explain", "p.derive")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(message)
    assert "internal" not in ran.err
    assert max(map(len, ran.err.splitlines())) < 200
    assert [path.name for path in folder.iterdir()] == ["p.derive"]


def test_rubbish_on_standard_input(run) -> None:
    ran = run("explain", "-", typed=b"\xff\xfe\x00rubbish")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: <stdin> is not text")


def test_a_variable_that_does_not_occur_has_gradient_zero(run) -> None:
    ran = run("explain", "-e", "x : (3); c : (2); J = sum(x); grad J wrt c")
    assert (ran.status, ran.err) == (0, "")
    assert "J does not depend on c" in ran.out


def test_words_of_python_are_names_like_others(run) -> None:
    ran = run("explain", "-e", "grad lambda*norm2(np)^2 wrt np", "--ascii", "--detail", "result")
    assert (ran.status, ran.err) == (0, "")
    assert "2*lambda*np" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain",), "error: name a PROBLEM: a file, an example, - or -e\n"),
        (("explain", "testnet", "-e", "x"), "error: name a PROBLEM or -e, not both\n"),
        (("explain", "testnet", "--bogus"), "error: No such option"),
        (("explain", "testnet", "--detail", "all"), "error: Invalid value for '--detail'"),
        (("explain", "testnet", "--seed", "-1"), "error: Invalid value for '--seed'"),
        (
            ("explaim", "testnet"),
            "error: there is no command explaim\n  Did you mean derive explain?",
        ),
        (
            ("net.derive",),
            "error: there is no command net.derive\n"
            "  Say what to do with it: derive explain net.derive\n",
        ),
        (
            ("explain", "testnet", "--wrt", "W9"),
            "error: there is no W9 in the problem\n  Known are x, y, W1, b1, W2, b2, z1, a1, z2, p",
        ),
        (
            ("explain", "circles", "--wrt", "W11"),
            "error: there is no W11 in the problem\n  Did you",
        ),
        (("code", "testnet", "--test"), "error: --test needs -o\n"),
        (("build", "testnet"), "error: Missing option '-o'"),
        (("new", "net"), "error: Missing option '--layers'"),
        (
            ("new", "net", "--layers", "2;4"),
            "error: --layers takes numbers with commas between them",
        ),
        (
            ("new", "net", "--layers", "2"),
            "error: layers are two positive numbers at least, got 2\n",
        ),
        (("new", "net", "--layers", "2,1", "--head", "tan"), "error: there is no head tan\n"),
        (
            ("new", "net", "--layers", "2,1", "--loss", "mae"),
            "error: the loss mae does not go with the head sigmoid\n",
        ),
    ],
)
def test_bad_arguments(run, folder: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = run(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(message)
    assert list(folder.iterdir()) == []


def test_bad_input_in_a_process_of_its_own(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "from derive.cli import main; main()", "code", "-", "-o", "out.py"],
        input="grad __import__('os').system('touch executed') wrt x",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: there is no function __import__\n  <stdin>, line 1:")
    assert "Traceback" not in ran.stderr
    assert list(folder.iterdir()) == []
