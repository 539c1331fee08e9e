"""How do backends write their load? One module for each family of formats (PREQUAL.md section 6).

They read what is there and judge only whether it can be: whatever cannot be read, or claims something absurd, is None,
never an exception. Which of them is asked is ``report_reader.py``'s business.

In formats that are not ours a latency of 0 is none: they say 0 while nothing has been measured, or round to it, and a
backend must not look infinitely fast because of that. What the gateway measures then stands in.
"""
