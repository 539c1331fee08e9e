"""Fuzzing of the data path, in memory: mutated requests, responses and chunkings, cut at every byte.

``python -m tests.fuzz --minutes 30 --seed 1`` runs it, ``--replay FILE`` runs one case again. ``case`` says what a case is;
``messages`` makes well-formed ones, ``mutations`` breaks them, ``plan`` joins both; ``drive`` puts one through the real
gateway between a raw client and raw backends; ``wire`` reads what either side got, independently of the gateway's own
parsers; ``judge`` says what must hold for it, ``judge_request`` and ``judge_response`` for one message; ``cutting`` runs
a case under several ways of cutting it; ``minimise`` makes a failing case small.
"""
