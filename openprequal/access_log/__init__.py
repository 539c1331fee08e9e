"""Which requests are written down, how, and where? A witness of journeys; what it writes goes out in a thread."""
