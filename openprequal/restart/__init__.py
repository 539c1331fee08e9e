"""Restart without a refused connection: a process hands what it listens on to the one that takes its place.

``inheritance`` is what the two agree on, ``successor`` is the old process's side, ``predecessor`` the new one's.
"""
