"""The agent for a service that knows nothing of us, in any language: it stands before it and speaks for it.

Requests take the gateway's own way (``frontend/``, ``forwarding/``, ``upstream/``) to the one upstream there is;
what an agent does beside it (counting, estimating, heartbeats) is ``agent/``'s. This package sees both, so that neither
has to see the other.
"""
