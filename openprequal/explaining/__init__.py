"""Why does a request go where it goes? Of one that might come, of those that came, and of one that asks itself.

``pick_now`` has the first, ``recent`` and ``recording`` the second; ``asking`` says who may ask in a request of its
own. What is answered to ``GET /_openprequal/explain`` is put together in ``answers``.
"""
