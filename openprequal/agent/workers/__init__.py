"""How do the processes and threads of one Python application act as one backend?

Each process counts in a row of a shared file (``rows``), which all read (``tracker``, ``whole``). One of them leads: it
registers (``gateway_thread``) and answers probes (``probe_server``). When the application is told to end, the gateways
hear it before its server does (``departure``). ``process`` puts it together.
"""
