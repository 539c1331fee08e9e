"""May this request go on? Passwords, tokens, or the word of another server, asked before a backend is.

``verdict`` says what a check is asked and may answer; ``basic``, ``bearer`` and ``forward`` are the checks, and
``assembly`` makes them from the settings. A request is held by :mod:`openprequal.forwarding.checked_exchange`.
"""
