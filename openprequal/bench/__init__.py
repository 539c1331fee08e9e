"""Benchmarks over real sockets, ours beside others: ``python -m openprequal.bench throughput``, and ``tail``.

Throughput: ``scenarios`` are the workloads, ``peers/`` the proxies and their configurations, ``backends`` what they
stand before, ``load`` the generator, ``rounds`` the order of turns, ``report`` what is said of the figures. Tail
latency, with the same peers, is in ``tail/``.
"""
