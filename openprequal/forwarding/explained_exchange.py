"""An exchange that writes down, with each attempt, why it was picked and what was believed of the backend."""

import attrs

from openprequal.explanations import PickExplanation
from openprequal.forwarding.journey import Attempt
from openprequal.forwarding.recorded_exchange import (
    RecordedExchange,
    RecordedHedgedExchange,
    RecordedHookedExchange,
    _Recorded,
)
from openprequal.values import Backend


class _Explained(_Recorded):
    """What is written down in addition, whether there are hooks or not. It costs many times the pick."""

    _foreseen: PickExplanation | None = None

    def _pick(self) -> None:
        # Asked before: afterwards it might be another's turn.
        self._foreseen = self._service.explain(self.request, self._tried)
        super()._pick()

    def _new_attempt(self, backend: Backend) -> Attempt:
        attempt = super()._new_attempt(backend)
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is None or foreseen.picked != backend.id or foreseen.reason != attempt.reason:
            # A second try, a trial, or answers that decided otherwise: what was believed is known, not what decided.
            known = self._service.explain(self.request, self._tried)
            foreseen = attrs.evolve(known, picked=backend.id, reason=attempt.reason, because="")
        attempt.explanation = foreseen
        return attempt


class ExplainedExchange(_Explained, RecordedExchange):
    """A :class:`~openprequal.forwarding.recorded_exchange.RecordedExchange` with explanations."""


class ExplainedHedgedExchange(_Explained, RecordedHedgedExchange):
    """A :class:`~openprequal.forwarding.recorded_exchange.RecordedHedgedExchange` with explanations."""


class ExplainedHookedExchange(_Explained, RecordedHookedExchange):
    """A :class:`~openprequal.forwarding.recorded_exchange.RecordedHookedExchange` with explanations."""
