"""``--check``: are the settings and all they name usable? Said in a line for each mistake, and by the exit status."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from running import running
from tls_client import written


@pytest.mark.parametrize("command", ["openprequal", "openprequal-backend"])
def test_good_settings_pass(command: str, tmp_path: Path) -> None:
    with running(["-n", command, "--check", "--port=8000"], tmp_path) as checking:
        assert checking.wait() == 0
    assert checking.output.startswith(f"{command}: settings are ok: ")
    assert "listening on port 8000" in checking.output
    assert not list(tmp_path.glob("*.pid"))


@pytest.mark.parametrize(
    ("flags", "environment", "told"),
    [
        (["--port=99999"], {}, ("--port", "99999", "from 1 to 65535")),
        (["--queue-max=some"], {}, ("--queue-max", "some", "a whole number")),
        (
            [],
            {"LOAD_BALANCER_CLASS": "Prequall"},
            ("LOAD_BALANCER_CLASS", "Prequall", "prequal, prequal_sync, round_robin, random"),
        ),
        ([], {"CUSTOM_REQUEST_HOOK": "absent.hook"}, ("CUSTOM_REQUEST_HOOK", "'absent'", "cannot be imported")),
        (["--listen=nonsense:1"], {}, ("listen", "nonsense:1", "is no endpoint")),
        (["--no-such-flag"], {}, ("no-such-flag",)),
        ([], {"OPENPREQUAL_PROT": "1"}, ("OPENPREQUAL_PROT", "did you mean OPENPREQUAL_PORT")),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(
    flags: list[str], environment: dict[str, str], told: tuple[str, ...], tmp_path: Path
) -> None:
    with running(["-n", "openprequal", "--check", *flags], tmp_path, environment) as checking:
        assert checking.wait() == 1
    assert len(checking.output.splitlines()) == 1
    for words in ("openprequal: ", *told):
        assert words in checking.output


def test_a_wrong_key_of_the_file_is_told_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("prot = 8000\n")
    with running(["-n", "openprequal", "--check", "--config=gateway.toml"], tmp_path) as checking:
        assert checking.wait() == 1
    assert checking.output == "openprequal: gateway.toml:1: prot: no such setting; did you mean port?\n"


@pytest.mark.parametrize("flags", [["--check"], []])
def test_all_mistakes_are_told_and_counted_by_the_check_and_the_start(flags: list[str], tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(
        'queue_max = -1\ncustom_request_hook = "absent.hook"\n[balancer_parameters]\nq_riff = 1\n'
    )
    with running(["-n", "openprequal", *flags, "--config=gateway.toml", "--demo=x"], tmp_path) as checking:
        assert checking.wait() == 1
    lines = checking.output.splitlines()
    places = ["gateway.toml:1: ", "gateway.toml:2: ", "gateway.toml:4: ", "--demo: ", "4 mistakes"]
    assert len(lines) == len(places)
    for line, place in zip(lines, places, strict=True):
        assert line.startswith(f"openprequal: {place}")


def test_certificates_are_checked_too(tmp_path: Path) -> None:
    authority = trustme.CA()
    expired = authority.issue_cert("a.example", not_after=datetime(2024, 5, 6, tzinfo=UTC))
    written(expired, tmp_path / "old.pem")
    (tmp_path / "wrong.pem").write_bytes(
        expired.cert_chain_pems[0].bytes() + authority.issue_cert("b.example").private_key_pem.bytes()
    )
    for file, code, told in (("old.pem", 0, "expired on 2024-05-06"), ("wrong.pem", 1, "is not that of the first")):
        flags = ["--check", "--tls-port=8443", f"--tls-certificate={file}"]
        with running(["-n", "openprequal", *flags], tmp_path) as checking:
            assert checking.wait() == code
        assert told in checking.output
        assert (", TLS on port 8443" in checking.output) is (code == 0)
        assert file in checking.output
