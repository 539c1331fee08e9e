"""Precedence of the sources, and what a wrong value becomes."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.loading import load
from openprequal.config.report_presets import INFERENCE_POLL_S, INFERENCE_SERVERS, FormatName
from openprequal.config.schema import settings_of
from openprequal.errors import ConfigurationError
from openprequal.values import ReportFormat


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str) -> str:
        path = tmp_path / "gateway.toml"
        path.write_text(text)
        return str(path)

    return write


def gateway(environ=None, config=None, **flags: str) -> GatewaySettings:
    return load(GatewaySettings, {name: [text] for name, text in flags.items()}, environ or {}, config)


def agent(environ=None, config=None, **flags: str) -> AgentSettings:
    return load(AgentSettings, {name: [text] for name, text in flags.items()}, environ or {}, config)


def complaint(*args, load_with=gateway, **kwargs) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load_with(*args, **kwargs)
    line = str(raised.value)
    assert "\n" not in line
    return line


def test_nothing_said_gives_the_users_contract_of_defaults() -> None:
    settings = agent()
    assert settings.proxy_url == ("http://localhost:8000",)
    assert settings.port == 8001
    assert settings.announced_url == "http://localhost:8001"
    assert settings.backend_heartbeat_seconds == 30
    assert settings.heartbeat_timeout_s == 60
    assert settings.latency_window_seconds == gateway().latency_window_seconds == 300
    assert settings.backend_health_path == gateway().backend_health_path == "/healthz"


def test_a_flag_beats_the_environment_which_beats_the_file(file) -> None:
    config = file("health_interval_seconds = 1\nhealth_timeout_seconds = 1\nqueue_max = 1\n")
    environ = {"OPENPREQUAL_HEALTH_INTERVAL_SECONDS": "2", "OPENPREQUAL_HEALTH_TIMEOUT_SECONDS": "2"}
    settings = gateway(environ, config, health_interval_seconds="3")
    assert settings.health_interval_seconds == 3
    assert settings.health_timeout_seconds == 2
    assert settings.queue_max == 1


def test_the_environment_may_name_the_file(file) -> None:
    assert gateway({"OPENPREQUAL_CONFIG": file("queue_max = 7")}).queue_max == 7


def test_one_file_serves_both_commands(file) -> None:
    config = file("port = 9000\n[backend]\nport = 9001\n")
    assert gateway(config=config).port == 9000
    assert agent(config=config).port == 9001


def test_the_contracts_names_have_no_prefix() -> None:
    environ = {
        "BACKEND_PORT": "9001",
        "PROXY_URL": "http://gateway:8000",
        "LOAD_BALANCER_CLASS": "random",
        "CUSTOM_PATH_REWRITE": "mine.rewrite",
    }
    assert agent(environ).port == 9001
    assert gateway(environ).port == 8000
    assert gateway(environ).load_balancer_class == "random"
    assert gateway(environ).custom_path_rewrite == "mine.rewrite"


def test_an_empty_variable_is_not_set() -> None:
    assert gateway({"CUSTOM_REQUEST_HOOK": "", "OPENPREQUAL_PORT": ""}) == gateway()


def test_none_takes_back_what_the_file_set(file) -> None:
    assert gateway(config=file("body_max_bytes = 10"), body_max_bytes="none").body_max_bytes is None


@pytest.mark.parametrize("text", ["no", "false", "0", "off", "NO"])
def test_a_switch_is_turned_off_in_words(text: str) -> None:
    assert gateway(trust_loopback=text).trust_loopback is False


def test_lists_are_repeated_flags_commas_or_arrays(file) -> None:
    expected = ("tcp:80", "unix:/run/x")
    assert load(GatewaySettings, {"listen": ["tcp:80", "unix:/run/x"]}, {}).listen == expected
    assert gateway({"OPENPREQUAL_LISTEN": "tcp:80, unix:/run/x"}).listen == expected
    assert gateway(config=file('listen = ["tcp:80", "unix:/run/x"]')).listen == expected


def test_a_service_inherits_what_it_leaves_out(file) -> None:
    config = file('backend_health_path = "/up"\n[services.api]\nload_balancer_class = "random"\n')
    services = gateway(config=config).effective_services
    assert set(services) == {"default", "api"}
    assert services["api"].load_balancer_class == "random"
    assert services["api"].backend_health_path == services["default"].backend_health_path == "/up"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("auto", None),
        ("none", None),
        ("orca", None),
        ("openprequal", None),
        ("prequal-rs", "/prequal/probe"),
        ("libvmod-prequal", "/probe"),
        ("prometheus", "/metrics"),
    ],
)
def test_a_report_format_brings_its_probe_path(name: str, path: str | None) -> None:
    assert gateway(report_format=name).effective_services["default"].backend_probe_path == path


def test_a_probe_path_of_the_users_goes_before_the_formats() -> None:
    settings = gateway(report_format="prometheus", backend_probe_path="/load")
    assert settings.effective_services["default"].backend_probe_path == "/load"


def test_a_service_with_a_report_format_of_its_own_does_not_inherit_the_probe_path(file) -> None:
    config = file(
        'backend_probe_path = "/load"\nreport_running_metric = "busy"\n'
        '[services.a]\n[services.b]\nreport_format = "prometheus"\n'
        '[services.c]\nreport_format = "orca"\nbackend_probe_path = "/other"\n'
    )
    services = gateway(config=config).effective_services
    assert [services[name].backend_probe_path for name in "abc"] == ["/load", "/metrics", "/other"]
    assert services["b"].report_running_metric == "busy"


def test_every_report_format_can_be_named() -> None:
    assert set(get_args(FormatName)) == {name.value for name in ReportFormat} | set(INFERENCE_SERVERS)


def test_a_metric_for_waiting_requests_needs_one_for_running_ones(file) -> None:
    config = file('[services.llm]\nreport_waiting_metric = "backlog"\n')
    assert "report_waiting_metric: llm needs report_running_metric too" in complaint(config=config)


def test_parameters_stay_with_the_balancer_they_are_for(file) -> None:
    config = file('[balancer_parameters]\nq_rif = 0.8\n[services.a]\n[services.b]\nload_balancer_class = "random"\n')
    services = gateway(config=config).effective_services
    assert services["a"].balancer_parameters == {"q_rif": 0.8}
    assert services["b"].balancer_parameters == {}


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        gateway().port = 1


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ({"port": "abc"}, "--port: 'abc' cannot be used: must be a whole number from 1 to 65535"),
        ({"port": "70000"}, "--port: '70000' cannot be used: must be a whole number from 1 to 65535"),
        ({"queue_timeout_seconds": "0"}, "--queue-timeout-seconds: '0' cannot be used: must be a number above 0"),
        ({"queue_timeout_seconds": "nan"}, "--queue-timeout-seconds: 'nan' cannot be used: must be a number above 0"),
        ({"trust_loopback": "maybe"}, "--trust-loopback: 'maybe' cannot be used: must be yes or no"),
        ({"host_header": "drop"}, "--host-header: 'drop' cannot be used: must be keep or backend"),
        (
            {"trusted_proxies": "10.0.0.0/8,10.0.0.1/8"},
            "--trusted-proxies: '10.0.0.1/8' cannot be used: must be networks like 10.0.0.0/8 or fd00::/8",
        ),
        (
            {"backend_health_path": "healthz"},
            "--backend-health-path: 'healthz' cannot be used: must be a path that starts with /, without spaces and #",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(flags: dict[str, str], line: str) -> None:
    assert complaint(**flags) == line


def test_a_wrong_value_is_blamed_on_its_source(file) -> None:
    assert complaint({"BACKEND_PORT": "x"}, load_with=agent).startswith("BACKEND_PORT: 'x' cannot be used")
    config = file("queue_max = -1")
    assert complaint(config=config).startswith(f"{config}:1: queue_max: -1 cannot be used")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("port = true", "port: True cannot be used: must be a whole number from 1 to 65535"),
        ("queue_max = 1.5", "queue_max: 1.5 cannot be used: must be a whole number of at least 0"),
        ("listen = 3", "listen: 3 cannot be used: must be a list of texts"),
        ("trusted_proxies = [7]", "cannot be used: must be networks like 10.0.0.0/8 or fd00::/8"),
        ("services = 3", "services: 3 cannot be used: must be a table"),
        ('[services.a]\nbackend_health_path = "x"', "must be a path that starts with /, without spaces and #"),
        ('[services."a/b"]', "'a/b' cannot be used: must be up to 63 letters, digits and ._-, the first no sign"),
    ],
)
def test_a_value_of_another_kind_in_the_file_is_refused(file, text: str, end: str) -> None:
    assert complaint(config=file(text)).endswith(end)


def test_an_unknown_key_is_named_with_the_nearest(file) -> None:
    config = file("helth_interval_seconds = 1")
    assert complaint(config=config).endswith(
        "helth_interval_seconds: no such setting; did you mean health_interval_seconds?"
    )
    config = file("[services.api]\nload_balancer_clas = 1")
    assert complaint(config=config).endswith(
        "services.api.load_balancer_clas: no such setting; did you mean load_balancer_class?"
    )


def test_an_unknown_variable_is_named_with_the_nearest() -> None:
    assert (
        complaint({"OPENPREQUAL_QUEUE_MAXX": "1"})
        == "OPENPREQUAL_QUEUE_MAXX: no such setting; did you mean OPENPREQUAL_QUEUE_MAX?"
    )


def test_the_other_commands_variables_are_no_mistakes() -> None:
    assert agent({"OPENPREQUAL_QUEUE_MAX": "1"}) == agent()
    assert gateway({"OPENPREQUAL_WEIGHT": "2"}) == gateway()


def test_variables_kubernetes_makes_for_a_service_of_our_name_are_not_ours() -> None:
    environ = {
        "OPENPREQUAL_SERVICE_HOST": "10.0.0.1",
        "OPENPREQUAL_SERVICE_PORT": "80",
        "OPENPREQUAL_SERVICE_PORT_HTTP": "80",
        "OPENPREQUAL_PORT": "tcp://10.0.0.1:80",
        "OPENPREQUAL_PORT_80_TCP": "tcp://10.0.0.1:80",
        "OPENPREQUAL_PORT_80_TCP_ADDR": "10.0.0.1",
        "BACKEND_PORT": "tcp://10.0.0.2:80",
    }
    assert gateway(environ) == gateway()
    assert agent(environ) == agent()


def test_a_file_that_is_not_toml_is_named_with_the_line(file) -> None:
    config = file("port = 1\nport = = 2\n")
    assert complaint(config=config) == f"{config}:2:8: is not TOML: Invalid value"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert complaint(config=str(path)) == f"{path}: cannot be read: No such file or directory"


def test_the_token_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    settings = gateway(token_file=str(tmp_path / "token"))
    assert [token.get_secret_value() for token in settings.token] == ["s3cret"]


def test_a_file_of_tokens_may_hold_several_and_comments(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("# new since May\nn3w\n\n  s3cret\n")
    settings = gateway(token_file=str(tmp_path / "token"))
    assert [token.get_secret_value() for token in settings.token] == ["n3w", "s3cret"]


def test_several_tokens_are_separated_by_commas() -> None:
    settings = gateway({"OPENPREQUAL_TOKEN": "n3w, s3cret"})
    assert [token.get_secret_value() for token in settings.token] == ["n3w", "s3cret"]


def test_the_token_is_never_shown(file, tmp_path: Path) -> None:
    secret = "t0p secret"
    (tmp_path / "token").write_text(secret)
    assert secret not in complaint({"OPENPREQUAL_TOKEN": secret})
    assert secret not in complaint(token_file=str(tmp_path / "token"))
    assert secret not in complaint(config=file(f'token = "{secret}"'))
    assert "hidden" not in repr(gateway({"OPENPREQUAL_TOKEN": "hidden"}))


def test_an_empty_token_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    assert "must be one or more of" in complaint(token_file=str(tmp_path / "token"))


def test_two_tokens_are_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a")
    assert "only one" in complaint({"OPENPREQUAL_TOKEN": "b"}, token_file=str(tmp_path / "token"))


@pytest.mark.parametrize(
    "url",
    [
        "http://h/path",
        "http://[::1",
        "http://h:x",
        "localhost:8001",
        "ftp://h",
        "http://",
        "http://u:p@h",
        "http://h/#x",
        "http://h?x=1",
        "http://h:99999",
    ],
)
def test_a_url_nobody_can_register_with_is_refused(url: str) -> None:
    assert complaint(backend_url=url, load_with=agent).startswith(
        f"--backend-url: '{url}' cannot be used: must be http"
    )


def test_a_remote_gateway_leaves_the_announced_address_to_be_found_out() -> None:
    assert agent(proxy_url="http://10.1.2.3:8000").announced_url is None
    assert agent(proxy_url="http://10.1.2.3:8000", backend_url="http://me:1").announced_url == "http://me:1"
    assert agent(proxy_url="http://[::1]:8000,http://127.0.0.2:8000").announced_url == "http://localhost:8001"


def test_a_heartbeat_timeout_must_leave_time_for_a_heartbeat() -> None:
    assert "must be longer than" in complaint(
        backend_heartbeat_seconds="5", backend_heartbeat_timeout="5", load_with=agent
    )


def test_demo_backends_that_could_not_register_are_refused() -> None:
    assert "tcp endpoint" in complaint(demo="1", listen="unix:/tmp/x")
    assert "trust_loopback" in complaint(demo="1", trust_loopback="no")
    assert gateway({"OPENPREQUAL_TOKEN": "t"}, demo="1", trust_loopback="no").demo == 1


@pytest.mark.parametrize("model", [GatewaySettings, AgentSettings])
def test_every_setting_has_a_name_of_its_own_in_the_environment(model) -> None:
    names = [setting.env for setting in settings_of(model).values() if setting.env]
    assert len(names) == len(set(names))


@given(
    st.sampled_from(sorted(name for name, each in settings_of(GatewaySettings).items() if each.flag)),
    st.text(max_size=200),
)
def test_any_text_for_any_flag_is_taken_or_refused_by_lines_that_name_it(name: str, text: str) -> None:
    if name in ("token_file", "sticky_keys_file"):
        return
    try:
        gateway(**{name: text})
    except ConfigurationError as error:
        for line in str(error).split("\n"):
            assert line.startswith("--" + name.replace("_", "-")) or name in line


def test_gateways_may_be_named_by_a_name_of_many_addresses() -> None:
    urls = ("dns+http://gateways.example:8000", "http://other:8000")
    assert agent(proxy_url=",".join(urls)).proxy_url == urls


@pytest.mark.parametrize(
    "url", ["dns+https://a:8000", "dns+http://", "dns+http://a:8000/path", "dns:a", "dns+http://a b"]
)
def test_a_gateway_nobody_can_be_told_of_at_is_refused(url: str) -> None:
    assert "dns+http://name:port" in complaint(proxy_url=url, load_with=agent)


@pytest.mark.parametrize(
    ("text", "upstream"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://LOCALHOST/", "http://localhost:80"),
        ("https://[::1]", "https://[::1]:443"),
        ("unix:///run/app.sock", "unix:///run/app.sock"),
    ],
)
def test_an_upstream_is_one_server(text: str, upstream: str) -> None:
    assert agent(upstream=text).upstream == upstream


@pytest.mark.parametrize("text", ["127.0.0.1:5000", "http://a/path", "http://a:0", "unix://relative", "dns+http://a:1"])
def test_an_upstream_that_is_none_is_refused(text: str) -> None:
    assert "http(s)://host:port and nothing else, or unix:///path" in complaint(upstream=text, load_with=agent)


def test_a_sidecar_before_itself_is_refused() -> None:
    assert "itself would listen on" in complaint(upstream="http://localhost:8001", load_with=agent)


def test_a_report_format_that_no_agent_writes_is_refused() -> None:
    assert "must be openprequal, prequal-rs or orca" in complaint(report_formats="openprequal,json", load_with=agent)
    assert agent(report_formats="orca").report_formats == ("orca",)


@pytest.mark.parametrize("server", INFERENCE_SERVERS)
def test_the_preset_of_an_inference_server_says_all_that_is_to_be_said(server: str) -> None:
    service = gateway(report_format=server).effective_services["default"]
    assert (service.report_format, service.backend_probe_path) == (ReportFormat.PROMETHEUS, "/metrics")
    assert service.report_running_metric == INFERENCE_SERVERS[server].running
    assert service.report_waiting_metric == INFERENCE_SERVERS[server].waiting
    assert (service.load_balancer_class, service.report_poll_seconds) == ("least_rif", INFERENCE_POLL_S)


def test_a_preset_gives_way_to_what_is_said_beside_it() -> None:
    settings = gateway(
        report_format="vllm",
        load_balancer_class="prequal",
        report_poll_seconds="0.1",
        backend_probe_path="/stats",
        report_running_metric="busy",
    )
    service = settings.effective_services["default"]
    assert (service.load_balancer_class, service.report_poll_seconds) == ("prequal", 0.1)
    assert (service.backend_probe_path, service.report_running_metric) == ("/stats", "busy")
    assert service.report_waiting_metric is None


def test_a_preset_of_one_service_is_not_anothers(file) -> None:
    config = file('[services.llm]\nreport_format = "sglang"\nreport_poll_seconds = 0.5\n[services.web]\n')
    services = gateway(config=config).effective_services
    assert (services["llm"].load_balancer_class, services["llm"].report_poll_seconds) == ("least_rif", 0.5)
    assert (services["web"].load_balancer_class, services["web"].report_poll_seconds) == ("Prequal", None)


@pytest.mark.parametrize(("text", "most"), [("auto", "auto"), ("100", 100), ("none", None)])
def test_a_limit_of_a_service_is_a_number_or_found(text: str, most: object) -> None:
    assert gateway(service_max_in_flight=text).effective_services["default"].service_max_in_flight == most


@pytest.mark.parametrize("text", ["0", "-1", "some"])
def test_any_other_limit_of_a_service_is_refused(text: str) -> None:
    assert "auto or a whole number of at least 1" in complaint(service_max_in_flight=text)


def test_a_response_that_is_no_error_cannot_be_retried() -> None:
    assert complaint(retry_statuses="404,503") == (
        "--retry-statuses: '404,503' cannot be used:"
        " must be status codes like 503, or ranges like 502-504, all from 500"
    )


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("backend_networks", "10.0.0.1/8", "must be networks like"),
        ("admin_networks", "10.0.0.0/8, everywhere", "must be networks like"),
        ("backend_sockets", "run/sockets", "must be absolute paths"),
    ],
)
def test_who_may_be_where_is_said_clearly_or_not_at_all(name: str, text: str, allowed: str) -> None:
    line = complaint(**{name: text})
    assert line.startswith(f"--{name.replace('_', '-')}: ")
    assert allowed in line


def test_the_admin_api_is_at_one_place() -> None:
    assert "only one can say" in complaint(admin_port="9000", admin_listen="unix:/run/admin.sock")
