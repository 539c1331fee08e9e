"""What the chart makes of every documented combination of values is valid, fits together, and is safe."""

import base64
import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from charts import (
    CHART,
    COMBINATIONS,
    KUBERNETES,
    ROOT,
    containers,
    helm,
    of_kind,
    program,
    rendered,
    settings_file,
    template,
)
from told import mistakes

from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.schema import settings_of

OPERATOR = "monitoring.coreos.com/v1"
"""Of the Prometheus operator: Kubernetes has no schema of these."""

each_combination = pytest.mark.parametrize("combination", COMBINATIONS)


@each_combination
def test_helm_lint_has_nothing_to_say(combination: str) -> None:
    values = CHART / "ci" / f"{combination}-values.yaml"
    said = helm("lint", "--strict", str(CHART), "--values", str(values)).stdout
    assert "[WARNING]" not in said


@each_combination
def test_every_object_is_valid(combination: str) -> None:
    for document in rendered(combination):
        if document["apiVersion"] != OPERATOR:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)


@each_combination
def test_services_policies_and_budgets_select_pods_that_there_are(combination: str) -> None:
    pods = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind("Deployment", combination)]
    selectors = [
        *(each["spec"]["selector"] for each in of_kind("Service", combination)),
        *(each["spec"]["podSelector"]["matchLabels"] for each in of_kind("NetworkPolicy", combination)),
        *(each["spec"]["selector"]["matchLabels"] for each in of_kind("PodDisruptionBudget", combination)),
        *(each["spec"]["selector"]["matchLabels"] for each in of_kind("Deployment", combination)),
    ]
    # Each selects the pods of exactly one Deployment.
    assert [sum(selector.items() <= labels.items() for labels in pods) for selector in selectors] == [1] * len(
        selectors
    )


@each_combination
def test_ports_and_volumes_that_are_named_exist(combination: str) -> None:
    for deployment in of_kind("Deployment", combination):
        pod = deployment["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
            ports = {port["name"] for port in container["ports"]}
            probes = [probe for name, probe in container.items() if name.endswith("Probe")]
            assert {(probe.get("httpGet") or probe["tcpSocket"])["port"] for probe in probes} <= ports
    ports = {port["name"] for container in containers(combination) for port in container["ports"]}
    assert {port["targetPort"] for each in of_kind("Service", combination) for port in each["spec"]["ports"]} <= ports


@each_combination
def test_secrets_and_accounts_that_are_named_are_made_or_asked_for(combination: str) -> None:
    made = {(each["kind"], each["metadata"]["name"]) for each in rendered(combination)}
    values = yaml.safe_load((CHART / "ci" / f"{combination}-values.yaml").read_text())
    existing = values.get("token", {}).get("existingSecret")
    for deployment in of_kind("Deployment", combination):
        pod = deployment["spec"]["template"]["spec"]
        secrets = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        assert secrets == {existing} if existing else all(("Secret", name) in made for name in secrets)
        account = pod.get("serviceAccountName")
        assert account is None or ("ServiceAccount", account) in made


@each_combination
def test_no_container_is_root_or_writes_to_its_image(combination: str) -> None:
    assert containers(combination)
    for deployment in of_kind("Deployment", combination):
        security = deployment["spec"]["template"]["spec"]["securityContext"]
        assert security["runAsNonRoot"]
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(combination):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"]
        assert container["resources"]["limits"]["memory"]


@each_combination
def test_a_pod_is_given_the_time_that_draining_takes(combination: str) -> None:
    (gateway,) = [each for each in of_kind("Deployment", combination) if each["metadata"]["name"] == "openprequal"]
    pod = gateway["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    waits_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    (grace_s,) = [
        int(each["value"]) for each in container["env"] if each["name"] == "OPENPREQUAL_SHUTDOWN_GRACE_SECONDS"
    ]
    assert pod["terminationGracePeriodSeconds"] > waits_s + grace_s
    assert gateway["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@each_combination
def test_a_container_is_told_settings_that_there_are(combination: str, tmp_path: Path) -> None:
    for container in containers(combination):
        model: Any = GatewaySettings if container["name"] == "proxy" else AgentSettings
        environment = {each["name"]: each.get("value", "redis://a") for each in container["env"]}
        file = tmp_path / "gateway.toml"
        file.write_text(settings_file(combination))
        config = str(file) if "--config" in container.get("args", ()) else None
        assert mistakes(model, environment, tmp_path, config) == []


@each_combination
def test_every_setting_of_a_container_is_one_by_name(combination: str) -> None:
    known = {setting.env for model in (GatewaySettings, AgentSettings) for setting in settings_of(model).values()}
    named = {each["name"] for container in containers(combination) for each in container["env"]}
    # The one that the settings file names itself.
    assert named - known <= {"REGISTRY_URL"}


@each_combination
def test_the_page_shows_the_combination(combination: str) -> None:
    assert f"ci/{combination}-values.yaml" in (ROOT / "docs" / "deploying.md").read_text()


def test_the_registry_of_kubernetes_may_read_the_slices_of_the_namespaces_it_names_and_nothing_else() -> None:
    roles = of_kind("Role", "kubernetes")
    assert {role["metadata"]["namespace"] for role in roles} == {"edge", "batch"}
    only = [{"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]}]
    assert all(role["rules"] == only for role in roles)
    (gateway,) = of_kind("Deployment", "kubernetes")
    pod = gateway["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"]
    bindings = of_kind("RoleBinding", "kubernetes")
    assert {binding["metadata"]["namespace"] for binding in bindings} == {"edge", "batch"}
    subject = {"kind": "ServiceAccount", "name": pod["serviceAccountName"], "namespace": "edge"}
    assert all(binding["subjects"] == [subject] for binding in bindings)


@pytest.mark.parametrize("combination", [name for name in COMBINATIONS if name != "kubernetes"])
def test_without_that_registry_nobody_may_ask_the_api(combination: str) -> None:
    assert of_kind("Role", combination) == []
    for deployment in of_kind("Deployment", combination):
        assert deployment["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_the_file_of_settings_ends_in_the_registrys_table() -> None:
    kubernetes, redis = (tomllib.loads(settings_file(name)) for name in ("kubernetes", "redis"))
    assert kubernetes["registry_class"] == "kubernetes"
    assert kubernetes["registry_parameters"] == {"services": {"default": "web:http", "reports": "batch/reports:8080"}}
    assert kubernetes["queue_max"] == 64
    assert redis == {"registry_class": "redis", "registry_parameters": {"url": "${REGISTRY_URL}"}}


def test_further_parameters_of_a_registry_are_taken_over() -> None:
    text = template("--set-string", 'registry.parameters=prefix = "gateways:"', "--set", "registry.class=file").stdout
    (config,) = [each for each in yaml.safe_load_all(text) if each and each["kind"] == "ConfigMap"]
    assert tomllib.loads(config["data"]["gateway.toml"])["registry_parameters"] == {"prefix": "gateways:"}


def test_other_settings_bring_other_pods() -> None:
    def checksum(*arguments: str) -> str:
        (found,) = re.findall(r"checksum/config: (\w+)", template(*arguments).stdout)
        return str(found)

    assert checksum() == checksum()
    assert checksum() != checksum("--set", "config=queue_max = 3")


def test_a_token_that_is_given_is_the_secrets() -> None:
    (secret,) = of_kind("Secret", "bare")
    assert base64.b64decode(secret["data"]["token"]) == b"change-me"


def test_a_token_that_is_not_given_is_drawn() -> None:
    (secret,) = of_kind("Secret", "memory")
    assert len(base64.b64decode(secret["data"]["token"])) == 40


def test_autoscaling_leaves_the_number_of_replicas_alone() -> None:
    (gateway,) = of_kind("Deployment", "production")
    assert "replicas" not in gateway["spec"]
    (autoscaler,) = of_kind("HorizontalPodAutoscaler", "production")
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == gateway["metadata"]["name"]


def test_the_monitor_scrapes_the_admin_service_with_the_token() -> None:
    (monitor,) = of_kind("ServiceMonitor", "production")
    selector = monitor["spec"]["selector"]["matchLabels"]
    (service,) = [
        each for each in of_kind("Service", "production") if selector.items() <= each["metadata"]["labels"].items()
    ]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["authorization"]["credentials"] == {"name": "openprequal-token", "key": "token"}


def test_alerts_and_recorded_series_become_rules() -> None:
    rules = of_kind("PrometheusRule", "production")
    files = [yaml.safe_load((CHART / "files" / f"{name}.yaml").read_text()) for name in ("alerts", "recording")]
    assert [rule["spec"] for rule in rules] == files
    assert len({rule["metadata"]["name"] for rule in rules}) == 2


def test_every_value_has_a_schema_and_a_default() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    assert set(schema) - {"global"} == set(yaml.safe_load((CHART / "values.yaml").read_text()))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ("replicas=-1", "replicas"),
        ("replicass=3", "replicass"),
        ("service.port=70000", "port"),
        ("service.type=External", "type"),
        ("registry.kubernetes.services.default=not a name", "default"),
        ("ingress.enabled=true", "hosts"),
        ("autoscaling.cpuUtilization=0", "cpuUtilization"),
        ("registry.class=redis", "registry.redis.urlSecret.name"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(values: str, named: str) -> None:
    result = template("--set", values, check=False)
    assert result.returncode != 0
    assert named in result.stderr


def test_the_plain_manifests_are_the_charts(tmp_path: Path) -> None:
    script = ROOT / "deploy" / "scripts" / "render-manifests"
    subprocess.run([script, tmp_path], check=True, timeout=60, env={**os.environ, "HELM": program()})
    assert len(list(tmp_path.iterdir())) == 3
    for file in tmp_path.iterdir():
        assert (ROOT / "deploy" / "kubernetes" / file.name).read_text() == file.read_text(), (
            "run deploy/scripts/render-manifests"
        )


def test_the_sidecars_example_is_valid_and_ends_the_sidecar_first(tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "sidecar.yaml").read_text())
    kubernetes_validate.validate(document, KUBERNETES, strict=True)
    service, sidecar = document["spec"]["template"]["spec"]["containers"]
    environment = {each["name"]: each["value"] for each in sidecar["env"]}
    assert mistakes(AgentSettings, environment, tmp_path) == []
    waits_s = int(service["lifecycle"]["preStop"]["exec"]["command"][1])
    assert waits_s > int(environment["BACKEND_SHUTDOWN_GRACE_SECONDS"])
    assert document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > waits_s
