"""Which content codings can we do, and what does each compressor look like?

Libraries do the work: zlib, which is Python's own, and brotli and zstandard, which are the extra ``compression``.
Windows are small, so that one response under way costs about a megabyte at most, however long it is.
"""

import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, Protocol

from attrs import frozen

from openprequal.errors import ConfigurationError

WINDOW_BITS: Final = 17
"""Of brotli and zstd: 128 KiB. That of gzip is 32 KiB by its format."""
EXTRA: Final = "compression"


class Compressor(Protocol):
    """Compresses one response, piece by piece."""

    def add(self, piece: bytes) -> bytes:
        """Take *piece*; give what comes out, which may be nothing yet."""

    def flush(self) -> bytes:
        """With what is given here, everything taken so far can be decompressed."""

    def end(self) -> bytes:
        """The rest; the compressor is of no more use."""


class Coder(Protocol):
    """Compresses in one coding at one level."""

    def start(self) -> Compressor:
        """A compressor for a response that comes in pieces."""

    def whole(self, content: bytes) -> bytes:
        """A response that is here as a whole."""


class _GzipPieces:
    __slots__ = ("_flush", "add")

    def __init__(self, compressor: Any) -> None:
        self.add: Callable[[bytes], bytes] = compressor.compress
        self._flush: Callable[[int], bytes] = compressor.flush

    def flush(self) -> bytes:
        return self._flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._flush(zlib.Z_FINISH)


class _Gzip:
    # A window of 32 KiB and a gzip wrapper (RFC 1952).
    _FORMAT: Final = 31

    def __init__(self, module: Any, level: int) -> None:
        self._level = level

    def start(self) -> Compressor:
        return _GzipPieces(zlib.compressobj(self._level, zlib.DEFLATED, self._FORMAT))

    def whole(self, content: bytes) -> bytes:
        return zlib.compress(content, self._level, self._FORMAT)


class _BrotliPieces:
    __slots__ = ("add", "end", "flush")

    def __init__(self, compressor: Any) -> None:
        self.add: Callable[[bytes], bytes] = compressor.process
        self.flush: Callable[[], bytes] = compressor.flush
        self.end: Callable[[], bytes] = compressor.finish


class _Brotli:
    def __init__(self, module: Any, level: int) -> None:
        self._module = module
        self._level = level

    def start(self) -> Compressor:
        return _BrotliPieces(self._module.Compressor(quality=self._level, lgwin=WINDOW_BITS))

    def whole(self, content: bytes) -> bytes:
        compressed: bytes = self._module.compress(content, quality=self._level, lgwin=WINDOW_BITS)
        return compressed


class _ZstdPieces:
    __slots__ = ("_block", "_flush", "add")

    def __init__(self, compressor: Any, block: int) -> None:
        self.add: Callable[[bytes], bytes] = compressor.compress
        self._flush: Callable[..., bytes] = compressor.flush
        self._block = block

    def flush(self) -> bytes:
        return self._flush(self._block)

    def end(self) -> bytes:
        return self._flush()


class _Zstd:
    def __init__(self, module: Any, level: int) -> None:
        # The window is within the 8 MB that every client must be able to decode (RFC 9659).
        self._module = module
        self._parameters = module.ZstdCompressionParameters.from_level(level, window_log=WINDOW_BITS)
        self._for_whole = self._compressor()

    def start(self) -> Compressor:
        # One of its own, because a compressor can do one thing at a time.
        return _ZstdPieces(self._compressor().compressobj(), self._module.COMPRESSOBJ_FLUSH_BLOCK)

    def whole(self, content: bytes) -> bytes:
        compressed: bytes = self._for_whole.compress(content)
        return compressed

    def _compressor(self) -> Any:
        return self._module.ZstdCompressor(compression_params=self._parameters)


@frozen
class Coding:
    """One content coding (RFC 9110 section 8.4.1)."""

    module: str
    package: str | None
    """What has to be installed for it; None: nothing."""
    level: int
    """Unless another is set."""
    levels: range
    coder: Callable[[Any, int], Coder]
    """From the module and a level."""


CODINGS: Final[Mapping[str, Coding]] = {
    "zstd": Coding("zstandard", "zstandard", 3, range(1, 20), _Zstd),
    "br": Coding("brotli", "brotli", 3, range(12), _Brotli),
    "gzip": Coding("zlib", None, 4, range(1, 10), _Gzip),
}
"""By the name that Content-Encoding has for it, the most for the least work first."""


def coders(names: tuple[str, ...] | None, levels: Mapping[str, int]) -> Mapping[bytes, Coder]:
    """A coder for each of the codings *names*, in that order.

    :param names: None: all that are installed.
    :param levels: of those that are to have another than their default.
    :raises ConfigurationError: one needs a package that is not installed, or has no such level.
    """
    made: dict[bytes, Coder] = {}
    for name in CODINGS if names is None else names:
        coding = CODINGS[name]
        try:
            module = import_module(coding.module)
        except ImportError:
            if names is None:
                continue
            raise ConfigurationError(
                f"compression: {name} needs the package {coding.package}: pip install 'openprequal[{EXTRA}]'"
            ) from None
        level = levels.get(name, coding.level)
        if level not in coding.levels:
            raise ConfigurationError(
                f"compression.levels.{name}: {level}: must be from {coding.levels[0]} to {coding.levels[-1]}"
            )
        made[name.encode("ascii")] = coding.coder(module, level)
    return made
