"""The ``openprequal`` command: what somebody at a terminal asks of a gateway or its settings."""
