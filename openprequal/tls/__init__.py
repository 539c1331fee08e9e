"""TLS: which certificate is shown to whom, read from which files, and how bytes pass through it without delay."""
