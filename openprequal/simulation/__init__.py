"""What would a fleet do, in virtual time, under the balancers that ship?

The way of a simulated request: ``arrivals.py`` makes it, ``gateway.py`` asks a real balancer, ``replica.py`` counts it
with the real agent's tracker and serves it as ``serving.py`` says, ``measured.py`` keeps what came out. ``scenario.py``
describes a fleet, ``run.py`` runs it; ``clock.py`` is the time of all.
"""
