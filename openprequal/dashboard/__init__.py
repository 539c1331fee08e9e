"""The dashboard: a page that shows what the gateway does, and the stream that it is shown from.

``history`` keeps the last minutes, ``snapshot`` says what is shown now, ``stream`` sends it to those who look, ``page``
has the files, and ``paths`` which path gets what. The page itself is in ``static/``; it is served as it lies there.
"""
