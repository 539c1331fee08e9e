"""Workers: how are several processes one gateway?

The parent holds the listening sockets, the registry and the health checks; each worker has a way of requests of its
own and accepts from the same sockets. ``crew`` and ``worker`` are the parent's side, ``link`` is the worker's; what
they say to each other goes through ``channel`` and ``framing``. What is counted together is in ``counts``.
"""
