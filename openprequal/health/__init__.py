"""May a backend be picked? Decided by lease (registry/) and by checks of its health path; probes never decide it."""
