"""The command ``derive`` itself: what it says about itself, and how it fails."""

from __future__ import annotations

import contextlib
import difflib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import click

import derive
from derive.errors import CheckError, DeriveError

__all__ = ["Program", "fail", "failing_well"]

FAILED, WRONG, INTERRUPTED = 1, 2, 130

HELP = """Matrix calculus, step by step.

Differentiates what you write down, shows each step with its law and its shapes, writes NumPy code,
and checks all of it numerically.

A PROBLEM is a file, the name of an example (see `derive examples`), - for standard input, or
-e "...".
"""


class Program(click.Group):
    """The group of all commands, which turns every failure into one message."""

    def __init__(self, commands: Sequence[click.Command]) -> None:
        super().__init__(
            name="derive",
            help=HELP,
            epilog='Try: derive explain -e "grad norm2(A*x - b)^2 wrt x"',
            commands=commands,
            invoke_without_command=True,
            subcommand_metavar="COMMAND [ARGS]...",
            callback=_show_help,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        click.version_option(derive.__version__, prog_name="derive")(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which one meets them."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command named first; for another word, what was meant."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]}\n  {self._advice(args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def _advice(self, word: str) -> str:
        close = difflib.get_close_matches(word, self.commands, 1)
        if close:
            return f"Did you mean derive {close[0]}?"
        if word.endswith(".derive"):
            return f"Say what to do with it: derive explain {word}"
        return f"Commands are {', '.join(self.commands)}."

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and leave with an exit code; without ``standalone_mode`` return and raise."""
        if not standalone_mode:
            return super().main(args, "derive", complete_var, False, **extra)
        with failing_well():
            done = super().main(args, "derive", complete_var, False, **extra)
            if sys.stdout is not None:
                sys.stdout.flush()
            sys.exit(done if isinstance(done, int) else 0)


def _show_help() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def fail(message: str, status: int) -> NoReturn:
    """Say what went wrong, on standard error, and leave."""
    with contextlib.suppress(OSError):
        print(f"error: {message}", file=sys.stderr, flush=True)
    sys.exit(status)


def _drop_output() -> None:
    """Keep the interpreter from trying again, at exit, to print what could not be printed."""
    with contextlib.suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def failing_well() -> Iterator[None]:
    """Whatever goes wrong inside becomes one message and an exit code; never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except CheckError as error:
        fail(str(error), FAILED)
    except DeriveError as error:
        fail(str(error), WRONG)
    except click.UsageError as error:
        where = f"\n  {error.ctx.command_path} --help lists what there is." if error.ctx else ""
        fail(error.format_message() + where, WRONG)
    except click.ClickException as error:
        fail(error.format_message(), WRONG)
    except (click.Abort, KeyboardInterrupt):
        fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        sys.exit(FAILED)
    except (RecursionError, MemoryError):
        fail("the problem is nested too deeply or too large\n  Name parts of it.", WRONG)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _drop_output()
        fail(f"{name}{error.strerror or error}", WRONG)
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        fail(
            f"internal error: {type(error).__name__}: {words}\n"
            "  This is a fault of derive. Please report it, with the problem that led to it.",
            FAILED,
        )
