"""The program itself: its commands by noun, and how it ends when something is wrong."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

import anodyne
import anodyne.cli.basis  # adds 'field basis' and 'field evaluate'
import anodyne.cli.dosing  # adds 'protocol check' and 'plan dose'
import anodyne.cli.peripheral  # adds 'plan peripheral'
from anodyne.cli.cohort import cohort
from anodyne.cli.coil import coil
from anodyne.cli.delivery import deliver
from anodyne.cli.demo import demo
from anodyne.cli.field import field
from anodyne.cli.head import head
from anodyne.cli.plan import plan
from anodyne.cli.protocol import protocol
from anodyne.cli.settings import Settings
from anodyne.cli.stimulator import stimulator
from anodyne.cli.target import target
from anodyne.cli.threshold import threshold
from anodyne.errors import AnodyneError

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
"""Exit statuses: what an AnodyneError explains, a mistake in the command, Ctrl-C."""


class Program(click.Group):
    """A group whose failures are one line on standard error each, and whose bugs keep their traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command in `args`, or in the process's own arguments, and leave with its exit status."""
        given: dict[str, Any] = {"args": args, "complete_var": complete_var, "standalone_mode": False, **extra}
        if not standalone_mode:
            return super().main(prog_name=prog_name, **given)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal without µ still gets its numbers
        try:
            status = super().main(prog_name=prog_name or "anodyne", **given)
        except AnodyneError as error:
            _complain(str(error))
            sys.exit(FAILURE)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(USAGE)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx is not None else "anodyne"
            _complain(f"{error.format_message().rstrip('.')} (see '{path} --help')")
            sys.exit(USAGE)
        except click.Abort:
            sys.exit(INTERRUPTED)
        sys.exit(status if isinstance(status, int) else 0)


def _complain(sentence: str) -> None:
    words = " ".join(line.strip() for line in sentence.splitlines())
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {words}", err=True)


@click.group("anodyne", cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(anodyne.__version__, prog_name="anodyne", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Plan magnetic stimulation for chronic pain: from a head, a coil and a target to a treatment plan.

    Research software, not a medical device.

    Results go to standard output, talk and progress to standard error. Exit status: 0 done, 1 a failure
    that the message explains, 2 a mistake in the command.
    """
    context.obj = Settings.from_environment(os.environ)


stimulator.add_command(deliver)

for command in (demo, head, target, coil, protocol, field, plan, cohort, threshold, stimulator):
    main.add_command(command)
