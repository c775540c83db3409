"""The judge: evaluates, differences and compares, by a road of its own."""

from derive.verify.claims import Claim, judge
from derive.verify.evaluation import evaluate
from derive.verify.exports import judge_functions
from derive.verify.report import Check, Report

__all__ = ["Check", "Claim", "Report", "evaluate", "judge", "judge_functions"]
