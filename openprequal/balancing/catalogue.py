"""Which balancers exist, by short name?"""

from collections.abc import Callable, Mapping, Set

from openprequal.balancing.c3 import C3, C3Parameters
from openprequal.balancing.least_in_flight import LeastInFlight, LeastInFlightP2C
from openprequal.balancing.least_latency import LeastLatency, LeastLatencyP2C, LeastLatencyParameters
from openprequal.balancing.least_rif import LeastRif, LeastRifP2C, LeastRifParameters
from openprequal.balancing.linear import Linear, LinearParameters
from openprequal.balancing.maglev import Maglev, MaglevParameters
from openprequal.balancing.parameters import NoParameters, PrequalParameters, PrequalSyncParameters
from openprequal.balancing.peak_ewma import PeakEwma, PeakEwmaParameters
from openprequal.balancing.prequal import Prequal
from openprequal.balancing.prequal_sync import PrequalSync
from openprequal.balancing.random_choice import RandomChoice
from openprequal.balancing.ring_hash import RingHash, RingHashParameters
from openprequal.balancing.round_robin import RoundRobin
from openprequal.balancing.weighted_round_robin import WeightedRoundRobin, WeightedRoundRobinParameters
from openprequal.balancing.yarp_p2c import YarpP2C, YarpP2CParameters
from openprequal.interfaces import BalancerContext, IBalancer

BALANCERS: Mapping[str, Callable[[BalancerContext], IBalancer]] = {
    "prequal": Prequal,
    "prequal_sync": PrequalSync,
    "round_robin": RoundRobin,
    "random": RandomChoice,
    "weighted_round_robin": WeightedRoundRobin,
    "least_in_flight": LeastInFlight,
    "least_in_flight_p2c": LeastInFlightP2C,
    "least_rif": LeastRif,
    "least_rif_p2c": LeastRifP2C,
    "least_latency": LeastLatency,
    "least_latency_p2c": LeastLatencyP2C,
    "peak_ewma": PeakEwma,
    "yarp_p2c": YarpP2C,
    "linear": Linear,
    "c3": C3,
    "ring_hash": RingHash,
    "maglev": Maglev,
}

PARAMETERS: Mapping[str, type] = {
    "prequal": PrequalParameters,
    "prequal_sync": PrequalSyncParameters,
    "round_robin": NoParameters,
    "random": NoParameters,
    "weighted_round_robin": WeightedRoundRobinParameters,
    "least_in_flight": NoParameters,
    "least_in_flight_p2c": NoParameters,
    "least_rif": LeastRifParameters,
    "least_rif_p2c": LeastRifParameters,
    "least_latency": LeastLatencyParameters,
    "least_latency_p2c": LeastLatencyParameters,
    "peak_ewma": PeakEwmaParameters,
    "yarp_p2c": YarpP2CParameters,
    "linear": LinearParameters,
    "c3": C3Parameters,
    "ring_hash": RingHashParameters,
    "maglev": MaglevParameters,
}
"""What may be set on each."""

WAITING: Set[str] = {"prequal_sync"}
"""Those whose picks wait for probes of their own, so that they cannot be asked beside another."""

SLOW_START: Set[Callable[[BalancerContext], IBalancer]] = {
    *(RoundRobin, RandomChoice, LeastInFlight, LeastInFlightP2C, PeakEwma),
}
"""Those to which a newcomer is told with a smaller weight (``slow_start``): they do not see its load, or not soon. None
of them has a ``tick``, which would not be called."""
