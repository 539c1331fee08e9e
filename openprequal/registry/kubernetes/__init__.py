"""Backends are the endpoints of Kubernetes Services: read from the API server, and followed as they change.

``parameters`` says which Services, ``api_server`` where the server is and who we are to it, ``requests`` asks it,
``following`` keeps the slices of one Service by list and watch, ``slices`` reads them and says which backends they
mean, ``registry`` tells the membership.
"""
