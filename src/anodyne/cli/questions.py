"""What a command asks at a terminal where an option was left out."""

import sys
from datetime import date, datetime
from typing import Any

import click


def asked(what: str, option: str, kind: "click.ParamType[Any] | None" = None) -> Any:
    """The answer to a question; without a terminal nobody can be asked.

    Parameters
    ----------
    what : the question, without its mark
    option : that would have answered it
    kind : of the answer; text if not given

    Raises
    ------
    click.UsageError : this is no terminal
    """
    if not sys.stdin.isatty():
        raise click.UsageError(f"give {option}", click.get_current_context())
    answer = click.prompt(what, type=kind, err=True)
    return answer.strip() if isinstance(answer, str) else answer


def asked_date(what: str, option: str) -> date:
    """The day that answers a question, written 2026-11-18.

    Raises
    ------
    click.UsageError : this is no terminal
    """
    answer: datetime = asked(f"{what} (2026-11-18)", option, click.DateTime(["%Y-%m-%d"]))
    return answer.date()


def confirmed(question: str) -> bool:
    """Whether a person at the terminal says yes; no without one."""
    return sys.stdin.isatty() and click.confirm(question, err=True)
