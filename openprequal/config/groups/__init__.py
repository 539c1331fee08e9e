"""The gateway's settings, a module for each heading of ``--help``; `config/gateway.py` puts them together."""
