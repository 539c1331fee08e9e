"""What one process hands over the other one reads."""

from hypothesis import given
from hypothesis import strategies as st

from openprequal.health.standing import Orders
from openprequal.restart.inheritance import VARIABLE, Inheritance, membership_line, read_membership_line
from openprequal.values import Backend

INHERITANCE = Inheritance(pid=7, listening={"tcp:80": 6}, says=3, hears=4, errors=5)


def test_it_is_taken_out_of_the_environment() -> None:
    environment = {VARIABLE: INHERITANCE.text, "PATH": "/bin"}
    assert Inheritance.taken_from(environment) == INHERITANCE
    assert environment == {"PATH": "/bin"}
    assert Inheritance.taken_from(environment) is None


BACKENDS = st.builds(
    Backend,
    url=st.integers(1, 65535).map(lambda port: f"http://192.0.2.1:{port}"),
    service=st.sampled_from(["default", "search"]),
    weight=st.floats(0.1, 10),
    health_path=st.none() | st.just("/up"),
    heartbeat_seconds=st.none() | st.floats(0.1, 60),
)


@given(st.lists(BACKENDS, unique_by=lambda backend: backend.id), st.data())
def test_everyone_registered_arrives_as_they_were(backends: list[Backend], data: st.DataObject) -> None:
    up = {backend.id for backend in backends if data.draw(st.booleans())}
    orders = {each.id: Orders("192.0.2.9", data.draw(st.none() | st.just("me"))) for each in backends[::2]}
    line = membership_line(backends, up, orders)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert read_membership_line(line) == (backends, up, orders)


def test_what_another_version_says_beyond_is_left_out() -> None:
    line = b'[{"url": "http://192.0.2.1:80", "up": true, "colour": "blue"}]'
    assert read_membership_line(line) == ([Backend("http://192.0.2.1:80")], {"default/http://192.0.2.1:80"}, {})
