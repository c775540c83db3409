"""The words of a report."""

from __future__ import annotations

from math import inf

from derive.verify.report import CENTRAL_DIFFERENCES, COMPLEX_STEP, VALUE, Check, Report


def passing(label: str, kind: str) -> Check:
    return Check(label, True, 1e-16, COMPLEX_STEP, kind=kind)


STEPS = tuple(passing(f"step {number}", "step") for number in range(8))
GRADIENTS = tuple(passing(f"gradient {number}", "gradient") for number in range(4))
WORST = {COMPLEX_STEP: 4.4e-16, CENTRAL_DIFFERENCES: 2.6e-10}


def test_summary_of_a_derivation() -> None:
    report = Report((*STEPS, *GRADIENTS), 5, 0, (), WORST, ("relu",))
    assert report.passed
    assert report.summary() == (
        "8 steps and 4 gradients, each at 5 random points, seed 0: largest relative error "
        "4e-16 (complex step), 3e-10 (central differences, through relu)"
    )
    assert str(report) == report.summary()


def test_summary_counts_one_as_one() -> None:
    report = Report((passing("f", "function"),), 1, 3, (), {COMPLEX_STEP: 0.0})
    assert report.summary() == (
        "1 function, each at 1 random point, seed 3: largest relative error 0 (complex step)"
    )


def test_summary_of_three_kinds() -> None:
    function = passing("f", "function")
    report = Report((*STEPS, *GRADIENTS, function), 5, 0, (), WORST)
    assert report.summary().startswith("8 steps, 4 gradients and 1 function, each at")


def test_facts_and_rewritings_are_not_counted() -> None:
    fact = Check("S is symmetric", True, 0.0, VALUE, kind="fact")
    assert Report((*STEPS, fact), 5, 0, (), WORST).summary().startswith("8 steps, each at")


def test_a_failure_says_where_and_what() -> None:
    failure = Check(
        "W1_bar", False, 5e-4, COMPLEX_STEP, "point 2 (seed 0), n = 3", 2.0, 2.001, "off by 5e-04"
    )
    report = Report((*STEPS, failure), 5, 0, (), {COMPLEX_STEP: 5e-4}, notes=("A note.",))
    assert not report.passed
    assert report.failures == (failure,)
    assert str(report) == (
        "9 steps, each at 5 random points, seed 0: 1 failed\n"
        "W1_bar: off by 5e-04\n"
        "  expected 2, got 2.001\n"
        "  at point 2 (seed 0), n = 3\n"
        "A note."
    )


def test_a_failure_without_numbers() -> None:
    failure = Check("W1_bar", False, inf, COMPLEX_STEP, problem="the value is not finite")
    assert str(failure) == "W1_bar: the value is not finite"
    assert str(passing("b", "step")) == "b: relative error 1e-16 (complex step)"


def test_without_points_nothing_has_passed() -> None:
    assert not Report(STEPS, 0, 0, (), {}).passed
    assert not Report((), 5, 0, (), {}).passed
    assert Report((), 5, 0, (), {}).summary().startswith("nothing, each at")
