"""Finding a thing by its name, and naming the near misses when there is no such thing."""

from collections.abc import Iterable
from difflib import get_close_matches

from anodyne.errors import UnknownName


def unknown_name(kind: str, name: str, known: Iterable[str], hint: str) -> UnknownName:
    """The exception for a `name` that is not among the `known` ones.

    Parameters
    ----------
    kind : what was asked for, "target" or "coil"
    name : the name as the person wrote it
    known : every name that would have been accepted
    hint : the command or place that lists them all, "see ..."

    >>> unknown_name("coil", "magstim70mm", ["magstim-70mm", "brainsway-h1"], "see 'anodyne coil list'")
    UnknownName("no coil is named 'magstim70mm'; did you mean 'magstim-70mm'? (see 'anodyne coil list')")
    >>> unknown_name("coil", "x", ["magstim-70mm", "brainsway-h1"], "see 'anodyne coil list'")
    UnknownName("no coil is named 'x'; see 'anodyne coil list'")
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    near = [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    guess = f"did you mean {' or '.join(repr(match) for match in near)}? ({hint})" if near else hint
    return UnknownName(f"no {kind} is named {name!r}; {guess}")
