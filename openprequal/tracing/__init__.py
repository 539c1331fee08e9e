"""Traces: which trace does a request belong to, and how is what happened to it told to a collector?

``trace_context.py`` reads and writes what requests carry (W3C Trace Context), ``tracer.py`` decides at a request's head
and hands it over at its end; ``spans.py`` turns it into spans, written by ``wire.py``, and ``exporter.py`` sends these.
"""
