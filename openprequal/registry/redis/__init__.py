"""The registry in Redis: several gateways share who exists.

``registry`` is the provider, and tells how an emptied Redis is healed; ``script`` is what Redis runs for it, ``store``
calls that and reads the answers; ``document`` is a backend as it is written there; ``link`` keeps a ``connection``
open, to the ``address`` in the ``parameters``.
"""
