"""What is asked of a proxy in each workload?"""

from attrs import frozen


@frozen
class Scenario:
    """One workload; the response's body is the backend's at that path."""

    name: str
    about: str
    path: str = "/"
    connections: int = 64
    headers: tuple[str, ...] = ()
    script: str = ""
    """Lua for wrk, where a plain GET is not what is asked."""
    direct: bool = False
    """Ask the backend without any proxy too, and report what each adds to it."""


POST_SCRIPT = """
wrk.method = "POST"
wrk.body = string.rep("x", 1024)
wrk.headers["Content-Type"] = "application/octet-stream"
"""

PATHS_SCRIPT = """
local number = 0
request = function()
  number = number + 1
  return wrk.format(nil, "/" .. number)
end
"""

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("small", "GET, 100 bytes back, 64 connections"),
        Scenario("post", "POST of 1 KiB, 100 bytes back, 64 connections", script=POST_SCRIPT),
        Scenario("paths", "GET of another path each time, 100 bytes back, 64 connections", script=PATHS_SCRIPT),
        Scenario("large", "GET, 1 MiB back, 64 connections", path="/large"),
        Scenario("connections-256", "GET, 100 bytes back, 256 connections", connections=256),
        Scenario("connections-1024", "GET, 100 bytes back, 1024 connections", connections=1024),
        Scenario(
            "new-connections", "GET, 100 bytes back, a connection for each request", headers=("Connection: close",)
        ),
        Scenario(
            "latency", "GET, 100 bytes back, one connection, beside asking the backend directly", "/", 1, direct=True
        ),
    )
}
