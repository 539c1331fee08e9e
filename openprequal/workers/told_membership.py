"""Which worker is told of whom? Each of all backends, or, where a service has many, of a subset of its own."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from twisted.logger import Logger
from zope.interface import implementer

from openprequal.interfaces import IMembershipObserver
from openprequal.values import Backend
from openprequal.workers.counts import Cells
from openprequal.workers.subsets import keepers, keepers_each
from openprequal.workers.worker import Worker


@implementer(IMembershipObserver)
class ToldMembership:
    """Hears who exists in the parent, and tells the workers."""

    log = Logger()

    def __init__(
        self,
        count: int,
        live: Callable[[], Iterable[Worker]],
        cells: Cells,
        judgements: Mapping[str, Mapping[str, object]],
        whole: Callable[[str], bool],
    ) -> None:
        """
        :param count: of workers.
        :param live: those to be told now.
        :param judgements: on the backends, by id.
        :param whole: whether every worker needs all backends of a service, however many there are.
        """
        self._count = count
        self._live = live
        self._cells = cells
        self._judgements = judgements
        self._whole = whole
        self._backends: dict[str, Backend] = {}
        self._sizes: Counter[str] = Counter()
        self._keepers_each: dict[str, int] = {}

    def joined(self, backend: Backend) -> None:
        """See :class:`~openprequal.interfaces.IMembershipObserver`."""
        self._backends[backend.id] = backend
        self._sizes[backend.service] += 1
        if not self._shift(backend.service):
            self._tell(backend, self._live())

    def changed(self, old: Backend, new: Backend) -> None:
        """See :class:`~openprequal.interfaces.IMembershipObserver`."""
        self._backends[new.id] = new
        self._tell(new, self._live())

    def left(self, backend: Backend, reason: str) -> None:
        """See :class:`~openprequal.interfaces.IMembershipObserver`."""
        del self._backends[backend.id]
        self._sizes[backend.service] -= 1
        for worker in self._live():
            worker.left(backend.id, reason)
        self._cells.left(backend.id)
        self._shift(backend.service)

    def introduce(self, worker: Worker) -> None:
        """Tell a new worker of everybody it has to know."""
        for backend in self._backends.values():
            self._tell(backend, [worker])

    def judged(self, backend_id: str, told: Mapping[str, object]) -> None:
        """Tell those who know the backend what its checks say."""
        for worker in self._live():
            worker.judged(backend_id, told)

    def restored(self, backend_id: str) -> None:
        """An operator wants that nobody ejects it any longer."""
        for worker in self._live():
            worker.say("restore", id=backend_id)

    def configure(self, services: Collection[str]) -> None:
        """Settings have changed: *services* may be whole now, or no longer."""
        for service in services:
            self._shift(service)

    def _shift(self, service: str) -> bool:
        """Let others keep the backends of *service*, if it has grown or shrunk so much; False if it has not."""
        before = self._keepers_each.get(service, self._count)
        now = self._count if self._whole(service) else keepers_each(self._sizes[service], self._count)
        self._keepers_each[service] = now
        if before == now:
            return False
        self.log.info("each backend of {service} is kept by {now} workers now", service=service, now=now)
        for backend in list(self._backends.values()):
            if backend.service == service:
                self._tell(backend, self._live())
        return True

    def _tell(self, backend: Backend, workers: Iterable[Worker]) -> None:
        kept_by = keepers(backend.id, self._count, self._keepers_each.get(backend.service, self._count))
        for worker in workers:
            if worker.index in kept_by:
                worker.joined(backend, self._cells.of(backend.id), self._judgements.get(backend.id))
            else:
                worker.left(backend.id, "other workers keep it")
