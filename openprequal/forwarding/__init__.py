"""One client request's life, from its head to its one settle.

``exchange`` is the life itself; beside it pure rules with tables of cases: ``request_head`` and ``response_head``
(which fields go on), ``retry`` (may it be repeated?), ``failures`` (which status a failure becomes), ``problem`` (how
an error looks to the client).
"""
