"""Which certificates are shown to clients that speak TLS, and which are asked of them?"""

from typing import Literal

from openprequal.config.schema import FieldName, Settings, Texts, setting

GROUP = "TLS"


class TlsSettings(Settings):
    """Settings under "TLS"."""

    tls_port: int | None = setting(
        None,
        "TCP port for TLS, on all interfaces, IPv6 too; none: TLS only where --listen says tls:.",
        group=GROUP,
        ge=1,
        le=65535,
    )
    tls_certificate: Texts = setting(
        (),
        "PEM file of a certificate, its chain and its key; or CERTIFICATE:KEY; or a directory as certbot or Kubernetes"
        " fill it, or of such *.pem. Chosen by the names in it; the first is for all others. Read again when it"
        " changes.",
        group=GROUP,
    )
    tls_min_version: Literal["1.2", "1.3"] = setting(
        "1.2", "Oldest version of TLS that clients may speak.", group=GROUP
    )
    tls_client_certificates: Literal["none", "optional", "required"] = setting(
        "none", "Ask clients for a certificate; required: turn away those without.", group=GROUP
    )
    tls_client_ca_file: str | None = setting(
        None, "PEM file of the authorities that clients' certificates must come from.", group=GROUP
    )
    tls_client_subject_header: FieldName | None = setting(
        None,
        "Field, like X-Client-Subject, that tells backends the subject of the client's certificate, and that clients "
        "cannot send; none: none.",
        group=GROUP,
        allowed="a field name",
    )
