"""A request in a line of the operator's own making, with fields like ``{status}`` and ``{header:x-tenant}`` in it."""

import re
from collections.abc import Callable
from string import Formatter
from typing import Final

from openprequal.access_log.escaping import bare
from openprequal.access_log.facts import FIELDS, Fact, Facts
from openprequal.errors import ConfigurationError, suggestion
from openprequal.forwarding.journey import Journey
from openprequal.http1.fields import TOKEN

_NAME: Final = re.compile(TOKEN)
SETTING: Final = "access_log_format"


class TemplateLines:
    """Call it for the line of a journey that is over."""

    def __init__(self, template: str, facts: Facts) -> None:
        """
        :param template: ``{name}`` stands for a field, ``{header:name}`` for one of the request, ``{{`` for a brace.
        :raises ConfigurationError: it is no template, or names a field that there is not.
        """
        self._template, self._facts = _compiled(template, facts)

    def __call__(self, journey: Journey) -> str:
        return self._template % tuple([_shown(fact(journey)) for fact in self._facts])


def _compiled(template: str, facts: Facts) -> tuple[str, list[Callable[[Journey], Fact]]]:
    if "{" not in template:
        reason = f"{template!r} cannot be used{suggestion(template, ('combined', 'json'))}: must be combined, json"
        raise ConfigurationError(f"{reason}, or a text with fields like {{status}}", about=(SETTING,))
    if not (template.isascii() and template.isprintable()):
        raise ConfigurationError("must be printable ASCII on one line", about=(SETTING,))
    texts, found = "", []
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise ConfigurationError(f"{template!r} is no template: {error}", about=(SETTING,)) from None
    for text, name, rest, conversion in parsed:
        texts += text.replace("%", "%%")
        if name is not None:
            texts += "%s"
            found.append(_fact(f"{name}!{conversion}" if conversion else name, rest or "", facts))
    return texts, found


def _fact(name: str, rest: str, facts: Facts) -> Callable[[Journey], Fact]:
    if name == "header" and _NAME.fullmatch(rest.encode("ascii")):
        key = rest.lower().encode("ascii")
        return lambda journey: journey.request.header(key)
    if name not in FIELDS or rest:
        whole = f"{name}:{rest}" if rest else name
        known = [*FIELDS, "header:NAME"]
        reason = f"there is no field {{{whole}}}{suggestion(name, known)}: must be one of {', '.join(known)}"
        raise ConfigurationError(reason, about=(SETTING,))
    fact: Callable[[Journey], Fact] = getattr(facts, name)
    return fact


def _shown(fact: Fact) -> str:
    return str(fact) if isinstance(fact, int) else bare(fact)
