"""What would a fleet do, in virtual time, under the balancers that ship?

The way of a simulated request: ``arrivals.py`` makes it, ``run.py`` hands it on, ``gateway.py`` asks a real balancer,
``replica.py`` counts it with the real agent's tracker and serves it as ``serving.py`` says, ``measured.py`` keeps what
came out. ``scenario.py`` describes a fleet, ``fleet.py`` builds it, ``events.py`` is what happens to it; ``clock.py``
is the time of all.

What is run: ``figures/`` on ``testbed.py`` (the paper's), ``catalogue.py`` with the bars of ``bars.py``, or a user's
own fleet (``fleet_file.py``, ``service_times.py``, ``what_if.py``). ``rules.py`` names the balancers, ``grid.py`` runs
many at once, ``results.py`` keeps and sums up, ``tables.py``, ``plots.py`` and ``report.py`` show; ``commands.py`` is
the command line.
"""
