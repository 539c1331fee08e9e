"""Which mistakes may only follow from others, and what is left to be looked at without what is wrong?"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from openprequal.config.sources import Mistake
from openprequal.errors import KeyPath


def tables_copied(value: Any) -> Any:
    """*value*, so that keys can be taken out of the tables in it."""
    return {key: tables_copied(each) for key, each in value.items()} if isinstance(value, dict) else value


def leave_out(values: dict[str, Any], path: KeyPath) -> None:
    """Take out of *values* what stands at *path*, or the list that it is in."""
    table: Any = values
    for key, following in pairwise((*path, None)):
        if key not in table:
            return
        if following is None or not isinstance(table[key], dict) or following not in table[key]:
            del table[key]
            return
        table = table[key]


def follows(mistake: Mistake, others: Iterable[Mistake]) -> bool:
    """May *mistake* be one only because of *others*, or have been told by them?"""
    return any(concerns(path, other) for path in (mistake.about, *mistake.beside) for other in others)


def concerns(path: KeyPath, mistake: Mistake, *, meant: bool = True) -> bool:
    """May what *path* comes to be another because of *mistake*, or the same have been told already?

    :param meant: so it may if *path* is what was meant by a name that is none.
    """
    if not path or not mistake.about:
        return False
    others = [(*mistake.about[:-1], mistake.meant)] if mistake.meant is not None else []
    wrong = [mistake.about, *(others if meant else ())]
    # Parameters mean nothing without the balancer or registry they are for.
    balancers = [each for each in (mistake.about, *others) if each[-1] == "load_balancer_class"]
    wrong += [(*each[:-1], "balancer_parameters") for each in balancers]
    shadows = [each for each in (mistake.about, *others) if each[-1] == "shadow_balancer"]
    wrong += [(*each[:-1], "shadow_balancer_parameters") for each in shadows]
    registries = [each for each in (mistake.about, *others) if each == ("registry_class",)]
    wrong += [("registry_parameters",) for _ in registries]
    # A service has what it leaves out from the gateway.
    ways = [path, path[2:]] if path[0] == "services" and len(path) > 2 else [path]
    return any(way[: len(each)] == each or each[: len(way)] == way for way in ways for each in wrong)
