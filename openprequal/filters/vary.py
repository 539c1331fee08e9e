"""How does a response say on which request fields it depends? (RFC 9110 section 12.5.5)"""

from openprequal.http1.fields import Field, FieldSection, list_members


def varying(section: FieldSection, *names: bytes) -> FieldSection:
    """*section* with *names* in Vary, unless they or ``*`` are there."""
    known: set[bytes] = set()
    for each in section.fields:
        if each.key == b"vary":
            known.update(list_members(each.value))
    if b"*" in known:
        return section
    missing = [name for name in names if name.lower() not in known]
    return section.plus(Field(b"Vary", b", ".join(missing))) if missing else section
