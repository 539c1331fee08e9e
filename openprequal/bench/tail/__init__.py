"""How long is the tail over real sockets, under ours and under what one would use instead?

``workloads`` are the simulation's scenarios in real time, ``policies`` the proxies. One run: ``run`` starts the
``emulation`` of the backends (``paced_clock`` lets the simulation's servers live in real time, ``cpu_share`` has them
burn CPU), the proxies and the ``generator``; ``record`` is what is kept of it, unless ``lateness`` says that the
machine was too busy. ``schedule`` orders the runs, ``results`` keeps them, ``simulated`` runs the same scenarios in
virtual time; ``report`` and ``plots`` show.
"""
