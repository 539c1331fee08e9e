"""Benchmarks over real sockets, ours beside others on the same core: ``python -m openprequal.bench throughput``.

``scenarios`` are the workloads, ``peers/`` the proxies and their configurations, ``backends`` what they stand before,
``load`` the generator, ``rounds`` the order of turns, ``report`` what is said of the figures.
"""
