"""How are responses compressed, ``[compression]`` in the file?"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from openprequal.config.schema import SplitTexts, Texts, each_matching

CodingName = Literal["zstd", "br", "gzip"]
Codings = Annotated[tuple[CodingName, ...], SplitTexts, Field(min_length=1)]
ContentTypes = Annotated[Texts, each_matching(r"[\w.+-]+/[\w.+-]*\*?[\w.+-]*", "type/subtype, with one * at most")]


class CompressionSettings(BaseModel):
    """What is compressed on the routes that compress, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    codings: Codings | None = None
    """`zstd`, `br` and `gzip`, the best first; none: all that are installed, in that order."""
    levels: dict[CodingName, int] = {}
    """Of those that are to compress more or less than they do: `{ zstd = 3, br = 3, gzip = 4 }`."""
    content_types: ContentTypes | None = None
    """What is compressed; none: text, JSON, JavaScript, XML, SVG, WebAssembly, fonts. An event stream must be named."""
    min_bytes: Annotated[int, Field(ge=0)] = 1024
    """What is known to be shorter stays as it is."""
    spare_secrets: bool = False
    """Not for requests with `Cookie` or `Authorization`, nor responses with `Set-Cookie` (BREACH)."""
    max_at_once: Annotated[int, Field(ge=0)] = 256
    """Responses compressed at the same time, each for up to 1 MiB of memory; all others stay as they are."""
