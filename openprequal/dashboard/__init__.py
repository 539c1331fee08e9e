"""The dashboard: a page that shows what the gateway does, and the stream that it is shown from.

``snapshot`` says what is shown now, with ``backends_shown`` and ``pool``; ``history`` keeps the last minutes.
``stream`` sends it to those who look, ``page`` has the files, and ``paths`` says which path gets what. The page itself
is in ``static/``; it is served as it lies there.
"""
