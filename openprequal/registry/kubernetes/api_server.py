"""Where is the API server, who are we to it, and who vouches for it?"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, _HTTP11ClientFactory
from twisted.web.iweb import IAgent

from openprequal.errors import ConfigurationError
from openprequal.registry.kubernetes.parameters import KubernetesParameters
from openprequal.tls.trust_root import trust_root

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""What the kubelet gives every pod, and renews while it runs."""
CONNECT_TIMEOUT_S: Final = 10.0


class _QuietFactory(_HTTP11ClientFactory):
    """What is worth a line is told by ``following``."""

    noisy = False


@frozen
class ApiServer:
    """An API server, and our credentials.

    The files are read for every request, because that is once a minute, and nothing has to be told when the kubelet
    has renewed them.
    """

    url: str
    """Without a slash at its end."""
    namespace: str
    """Where Services are that name none."""
    token_file: str | None
    ca_file: str | None
    """None: the platform's authorities."""

    def token(self) -> str | None:
        """The bearer token as it is now; None: there is none, or it would go over the wire in the clear.

        :raises OSError: the file cannot be read.
        """
        if self.token_file is None or not self.url.startswith("https://"):
            return None
        return Path(self.token_file).read_text("ascii").strip()

    def agent(self, reactor: Any) -> IAgent:
        """What asks it once, on a connection of its own.

        :raises ConfigurationError: the authorities cannot be read.
        """
        pool = HTTPConnectionPool(reactor, persistent=False)
        pool._factory = _QuietFactory
        policy = BrowserLikePolicyForHTTPS(trust_root(self.ca_file, "registry_parameters", "ca_file"))
        return Agent(reactor, policy, connectTimeout=CONNECT_TIMEOUT_S, pool=pool)


def api_server(
    parameters: KubernetesParameters,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> ApiServer:
    """The one that *parameters* name; what they leave out is as the cluster tells every pod.

    With ``api_url`` the service account's files count only where they exist, so that ``kubectl proxy`` will do.

    :raises ConfigurationError: nothing says where it is.
    """
    url = parameters.api_url
    if url is None:
        host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise ConfigurationError(
                "is missing, and KUBERNETES_SERVICE_HOST is not set either, so that this is no pod: "
                "nothing says where the API server is",
                about=("registry_parameters", "api_url"),
            )
        url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"

    def file(set_: str | None, name: str) -> str | None:
        path = service_account / name
        return set_ or (str(path) if parameters.api_url is None or path.exists() else None)

    return ApiServer(
        url,
        parameters.namespace or _own_namespace(service_account),
        file(parameters.token_file, "token"),
        file(parameters.ca_file, "ca.crt"),
    )


def _own_namespace(service_account: Path) -> str:
    try:
        return (service_account / "namespace").read_text("ascii").strip() or "default"
    except (OSError, UnicodeDecodeError):
        return "default"
