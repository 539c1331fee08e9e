"""Which service does a request belong to, and who are its members? A service is a named set of backends."""
