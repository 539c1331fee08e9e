"""Who exists: membership and its observers, leases, and the providers of :class:`~openprequal.interfaces.IRegistry`.

``registration`` and ``backend_url`` read what is said of a backend, ``parameters`` what is said of a registry.
``membership`` keeps the backends and tells of changes, ``leases`` knows who has been silent too long, ``memory`` puts
the two together, ``kubernetes`` has its backends from an API server, ``catalogue`` names the providers.
"""
