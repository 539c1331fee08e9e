"""Which format does a text name?"""

from collections.abc import Callable

from openprequal.access_log.combined import CombinedLines
from openprequal.access_log.facts import Facts
from openprequal.access_log.json_lines import JsonLines
from openprequal.access_log.stamps import Stamps
from openprequal.access_log.template import TemplateLines
from openprequal.forwarding.journey import Journey
from openprequal.http1.request import RequestHead

Format = Callable[[Journey], str]
"""Makes the line of a journey that is over, without its end."""


def format_of(text: str, stamps: Stamps, client: Callable[[RequestHead], str], *, query: bool) -> Format:
    """What makes lines as *text* says: ``combined``, ``json``, or a template.

    :param client: tells the address that a request comes from.
    :param query: show the query of targets and referers.
    :raises ConfigurationError: it is neither.
    """
    facts = Facts(stamps, client, query=query)
    if text == "combined":
        return CombinedLines(facts, stamps)
    if text == "json":
        return JsonLines(facts, stamps)
    return TemplateLines(text, facts)
