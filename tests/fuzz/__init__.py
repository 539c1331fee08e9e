"""Fuzzing of the data path, in memory: mutated requests, responses and chunkings, cut at every byte.

``python -m tests.fuzz --minutes 30 --seed 1`` runs it, ``--replay FILE`` runs one case again. ``case`` says what a case
is; ``messages`` makes well-formed ones, ``mutations`` breaks them, ``plan`` joins both; ``drive`` puts one through the
real gateway between a raw client and a ``scripted_backend``; ``wire`` reads what either side got, independently of the
gateway's own parsers; ``judge`` says what must hold of it, ``judge_request`` and ``judge_response`` of one message;
``cutting`` cuts a case in several ways; ``minimise`` makes a failing one small; ``campaign`` does all that again and
again; ``regressions`` holds what was found.
"""
