"""The PROXY protocol (haproxy.org/download/3.0/doc/proxy-protocol.txt): who is the client, says the one in between?

Twisted's ``twisted.protocols.haproxy`` believes everybody and whatever they say; see docs/decisions/0013-tls.md.
"""
