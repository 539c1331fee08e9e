"""Who exists: membership and its observers, leases, and the providers of :class:`~openprequal.interfaces.IRegistry`.

``membership`` keeps the backends and tells of changes, ``leases`` knows who has been silent too long. What is said of a
backend is read by ``registration`` and ``backend_url``, what is said of a registry by ``parameters``.

Providers, by name in ``catalogue``: ``memory`` is told by registrations, and keeps them in a file if it has one
(``persistence``, ``backend_file``). Others follow a source (``sourced``): ``static_file`` a list that somebody writes
(``backend_list``), ``dns`` the addresses and services of names (``dns_answers``, ``name_servers``, ``resolv_conf``,
``quiet_udp``), ``kubernetes`` the endpoints of Services. ``redis`` is told by registrations at any of several gateways.
What may block is done in a thread (``blocking``).
"""
