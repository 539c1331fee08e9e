"""Conformance of a gateway, black box: bytes in, bytes out, each case with the section that asks for it.

``case`` says what a case is, ``phrases`` how the usual ones go; the topic modules hold the tables and ``catalogue``
joins them; ``wire`` reads messages, ``backend`` and ``client`` are the two ends, ``gateways`` starts what is tested,
``runner`` judges one case; ``compare`` runs the same table against HAProxy and nginx.
"""
