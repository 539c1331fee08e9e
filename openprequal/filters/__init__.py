"""What is done to a response on its way to the client: which fields it gets for other origins, is it compressed?

Rules only: nothing here knows of connections. ``forwarding/`` applies them.
"""
