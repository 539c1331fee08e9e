"""Which workloads are measured? The simulation's scenarios, with more work a request, because real time costs CPU."""

from collections.abc import Mapping

from attrs import evolve, frozen

from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.scenario import Ramp, Scenario, Servers, Work
from openprequal.simulation.testbed import ANTAGONISTS

DEADLINE_S = 5.0
"""The paper's; a request that takes longer is given up and counts as timed out."""
_WORK = Work(0.09)
_SHORT = Work(0.04)
_RAMP = Ramp()
_RAMP_MEAN = 0.75 * sum(_RAMP.factor**level for level in range(_RAMP.levels)) / _RAMP.levels


@frozen
class Workload:
    """A fleet under load, in real time."""

    scenario: Scenario
    burns_cpu: bool = False
    """The backends compute, each in a process of its own; False: they only keep time."""

    @property
    def name(self) -> str:
        """As in the simulation's catalogue, if it is there."""
        return self.scenario.name

    def lasting(self, warm_up_s: float, counted_s: float) -> Scenario:
        """What happens in a run of so many seconds that do not count and so many that do."""
        seconds = warm_up_s + counted_s
        return evolve(self.scenario, warm_up=warm_up_s / seconds).lasting(seconds)


def _live(name: str, work: Work = _WORK) -> Workload:
    return Workload(evolve(SCENARIOS[name], work=work, deadline_s=DEADLINE_S))


_ALL = (
    _live("antagonists-0.9"),
    _live("skew-16", _SHORT),
    _live("half-slow"),
    _live("uniform-20-8"),
    _live("uniform-4-1"),
    Workload(
        Scenario(
            "cpu-bound-4-1",
            "4 backends that compute, each with a tenth of a core, 1 proxy, load 0.8",
            (Servers(4, cores=0.1),),
            1,
            0.8,
            Work(0.004),
            deadline_s=DEADLINE_S,
        ),
        burns_cpu=True,
    ),
    _live("fast-failing"),
    _live("cold-joiner"),
    _live("rolling-restart"),
    Workload(
        Scenario(
            "ramp",
            "10 servers with the testbed's antagonists, 8 proxies, load growing from 0.75 to 1.74",
            (Servers(10),),
            8,
            _RAMP_MEAN,
            _WORK,
            antagonists=ANTAGONISTS,
            ramp=_RAMP,
            deadline_s=DEADLINE_S,
        )
    ),
    _live("antagonists-1.1"),
)

WORKLOADS: Mapping[str, Workload] = {workload.name: workload for workload in _ALL}
