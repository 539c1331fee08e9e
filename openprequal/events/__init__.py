"""What happened lately? A bounded record of the control plane, for people and their dashboards (control plane).

``ring`` keeps it, ``recorder`` says which changes are events, and in which words. ``surges`` tells of errors and
retries together, by the counts that are kept anyway: no request does anything for it.
"""
