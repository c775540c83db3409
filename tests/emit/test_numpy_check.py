"""The test that is generated beside a module: it passes, and it fails when a gradient is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from derive import examples
from derive.calculus.chain_rule import derive
from derive.emit.numpy_code import NumpyModule, numpy_module
from derive.language import parse

EXAMPLES = sorted(Path(examples.__file__ or "").parent.glob("*.derive"))

FACTS = """
S : (n, n) symmetric
C : (n, n) positive_definite
Q : (n, n) orthogonal
D : (n, n) diagonal
p : (n) probability
P : (m, n) probability
y : (n) signs
h : (n) onehot
c : (n) positive
b : (1)
r : (1, n)
J = p'*S*p + logdet(C) + tr(Q*D*Q') + sum(P*log(c)) + b*r*(y + h)
grad J wrt S, C, Q, D, p, P, c, b, r
"""

SIZES = """
X : (N, d)
w : (d)
c : ()
R = norm2(w)^2/N
J = c*norm2(w)^2*sum(ones(k))
grad R wrt w
grad J wrt c, w
"""

TAKEN = """
u : (n)
v : (n)
structure : (n, n)
y = structure*u .* v
J = sum(y.^3)
jacobian y wrt u, v
hessian J wrt (u, v)
hessian J wrt v
"""

DOMAIN = "x : (n)\nJ = sum(log(x) ./ sqrt(1 - x))\ngrad J wrt x"


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def write(statement: str, folder: Path, module: str) -> Path:
    derivation = derive(parse(statement))
    path = folder / f"{module}.py"
    path.write_text(numpy_module(derivation), encoding="utf-8")
    test = NumpyModule(derivation).test_text(module)
    (folder / f"test_{module}.py").write_text(test, encoding="utf-8")
    return path


def test_generated_tests_of_the_examples_pass(tmp_path: Path) -> None:
    for path in EXAMPLES:
        write(path.read_text(encoding="utf-8"), tmp_path, path.stem)
    ran = run(tmp_path)
    assert ran.returncode == 0, ran.stdout


def test_directions_and_switches_may_have_other_names(tmp_path: Path) -> None:
    module = write(TAKEN, tmp_path, "module").read_text(encoding="utf-8")
    assert "def hvp_J_v(*, u, v, structure, v_):" in module and "structure_=False" in module
    ran = run(tmp_path)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("statement", [FACTS, DOMAIN, SIZES], ids=["facts", "domain", "sizes"])
def test_points_obey_facts_and_domains(statement: str, tmp_path: Path) -> None:
    write(statement, tmp_path, "module")
    ran = run(tmp_path)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("W2_bar = np.outer(z2_bar, a1)", "W2_bar = 1.0001 * np.outer(z2_bar, a1)"),
        ("z1_bar = a1_bar * (z1 > 0.0)", "z1_bar = a1_bar * (z1 > -1.0)"),
        ("J = -(y @ log_p)", "J = -2.0 * (y @ log_p)"),
        ("b1=z1_bar", "b1=-z1_bar"),
    ],
)
def test_planted_errors_are_caught(right: str, wrong: str, tmp_path: Path) -> None:
    (testnet,) = (path for path in EXAMPLES if path.stem == "testnet")
    module = write(testnet.read_text(encoding="utf-8"), tmp_path, "testnet")
    text = module.read_text(encoding="utf-8")
    assert right in text
    module.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    ran = run(tmp_path)
    assert ran.returncode == 1, ran.stdout
    assert "test_gradients_agree_with_differences" in ran.stdout
