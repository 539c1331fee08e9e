"""Which formats of load reports can be named, and what follows from one that means an inference server?"""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

FormatName = Literal[
    "auto",
    "none",
    "openprequal",
    "prequal-rs",
    "openprequal-fastapi",
    "libvmod-prequal",
    "json",
    "orca",
    "prometheus",
    "vllm",
    "sglang",
    "llamacpp",
]


@frozen
class InferenceServer:
    """What is known of a server whose load is the requests it runs and those that wait for it."""

    running: str
    """Its metric of the former,"""
    waiting: str
    """and of the latter."""


INFERENCE_SERVERS: Mapping[str, InferenceServer] = {
    "vllm": InferenceServer("vllm:num_requests_running", "vllm:num_requests_waiting"),
    "sglang": InferenceServer("sglang:num_running_reqs", "sglang:num_queue_reqs"),
    "llamacpp": InferenceServer("llamacpp:requests_processing", "llamacpp:requests_deferred"),
}
"""Presets: report formats that say more than how the report is written."""

INFERENCE_BALANCER = "least_rif"
"""Whose answer begins late says how long the queue was when it came, and of the others nothing: running and waiting
requests alone are what to go by (docs/benchmarks.md)."""

INFERENCE_POLL_S = 0.25
"""As often as such a server can make its page for several gateways without noticing."""
