"""The other side: what a client makes of a compressed or chunked response, by the libraries alone."""

import zlib

import brotli
import zstandard


def decompressed(coding: bytes, data: bytes) -> bytes:
    """What *data* was; it has to be whole, and no more than that."""
    content, rest = decompressed_so_far(coding, data)
    assert rest, "not whole"
    return content


def decompressed_so_far(coding: bytes, data: bytes) -> tuple[bytes, bool]:
    """What *data* holds, and whether that is the end."""
    if coding == b"gzip":
        gzip = zlib.decompressobj(31)
        content = gzip.decompress(data)
        assert not gzip.unused_data
        return content, gzip.eof
    if coding == b"br":
        br = brotli.Decompressor()
        content = br.process(data)
        return content, br.is_finished()
    assert coding == b"zstd"
    zstd = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).decompressobj()
    content = zstd.decompress(data)
    assert not zstd.unused_data
    return content, zstd.eof


def unchunked(body: bytes) -> bytes:
    """The content of a chunked body without trailers; it has to be whole."""
    content = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if size == b"0":
            assert body == b"\r\n"
            return content
        content += body[: int(size, 16)]
        assert body[int(size, 16) :][:2] == b"\r\n"
        body = body[int(size, 16) + 2 :]
