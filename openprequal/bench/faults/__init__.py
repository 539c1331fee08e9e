"""Does it keep working? Real gateways and backends under load, while something is broken on purpose.

One module a trial (``killed``, ``failing``, ``poisoned``, ``overloaded``, ``emptied``); ``trials`` runs them. ``soak``
is all of it for an hour: ``chaos`` breaks something in turns, ``mixed_clients`` are the load, ``watched`` samples the
gateway. ``fleet`` starts the processes, ``faulty_backend`` is one that does as it is told, ``redis_server`` a Redis;
``figure`` is what comes out.
"""
