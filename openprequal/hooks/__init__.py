"""The user's own code: how it is called (``calling``), what it is handed, and what it may leave behind.

``registration`` calls the register and unregister hooks; ``request_hooks`` has the values that the request, response
and path hooks are handed and the checks on what they did. The signatures are in :mod:`openprequal.interfaces`.
"""
