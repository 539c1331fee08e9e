"""Client connections: heads and limits, keep-alive and pipelining, and which paths are answered here, not proxied."""
