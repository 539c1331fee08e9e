"""HTTP/1.1 messages as bytes (RFC 9112): parsing heads, deciding framing, decoding and encoding bodies, sending.

Pure but for ``send``; both the client side (``frontend/``) and the backend side (``upstream/``) are built on it.
Why our own strict parser and not llhttp: ``docs/decisions/0001-own-head-parser.md``.
"""
