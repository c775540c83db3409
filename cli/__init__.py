"""The command line: arguments in, calls of the public names, errors as one message.

Exit codes: 0 for success, 1 when a check fails (or on a fault of derive's own), 2 when what was
written or asked is wrong, 130 when interrupted. On an error nothing goes to standard output.
"""

from derive.cli import build, code, examples, explain, new, notes, verify
from derive.cli.program import Program

__all__ = ["main"]

main = Program(
    commands=[
        explain.explain,
        notes.notes,
        code.code,
        verify.verify,
        build.build,
        examples.examples,
        new.new,
    ]
)
"""The command ``derive``."""
