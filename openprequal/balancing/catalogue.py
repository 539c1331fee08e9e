"""Which balancers exist, by short name?"""

from collections.abc import Callable, Mapping

from openprequal.balancing.prequal import Prequal
from openprequal.balancing.prequal_sync import PrequalSync
from openprequal.balancing.random_choice import RandomChoice
from openprequal.balancing.round_robin import RoundRobin
from openprequal.interfaces import BalancerContext, IBalancer

BALANCERS: Mapping[str, Callable[[BalancerContext], IBalancer]] = {
    "prequal": Prequal,
    "prequal_sync": PrequalSync,
    "round_robin": RoundRobin,
    "random": RandomChoice,
}
