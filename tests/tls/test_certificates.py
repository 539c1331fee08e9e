"""Which files hold a certificate that can be shown, and what is said of those that do not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from tls_client import written

from openprequal.errors import ConfigurationError
from openprequal.tls.certificates import read_authorities, read_certificates

NOW = datetime.now(UTC).timestamp()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def leaf(authority: trustme.CA) -> trustme.LeafCert:
    return authority.create_child_ca().issue_cert("a.example", "*.a.example", "192.0.2.1")


def refusal(*paths: object) -> str:
    """Why *paths* cannot be used."""
    with pytest.raises(ConfigurationError) as refused:
        read_certificates([str(path) for path in paths], "tls_certificate")
    return str(refused.value)


def test_one_file_may_hold_chain_and_key_in_either_order(tmp_path: Path, leaf: trustme.LeafCert) -> None:
    key, chain = leaf.private_key_pem.bytes(), b"".join(each.bytes() for each in leaf.cert_chain_pems)
    (tmp_path / "key-first.pem").write_bytes(key + chain)
    (tmp_path / "key-last.pem").write_bytes(chain + key)
    for certificate in read_certificates([str(tmp_path / f"key-{place}.pem") for place in ("first", "last")], "x"):
        assert certificate.names == ("a.example", "*.a.example", "192.0.2.1")
        assert len(certificate.chain) == 2


def test_the_key_may_be_in_a_file_of_its_own(tmp_path: Path, leaf: trustme.LeafCert) -> None:
    certificate, key = tmp_path / "site.crt", tmp_path / "elsewhere.txt"
    certificate.write_bytes(b"".join(each.bytes() for each in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    (named,) = read_certificates([f"{certificate}:{key}"], "x")
    assert (named.file, named.key_file) == (str(certificate), str(key))
    key.rename(tmp_path / "site.key")
    (beside,) = read_certificates([str(certificate)], "x")
    assert beside.key_file == str(tmp_path / "site.key")


@pytest.mark.parametrize(("file", "key"), [("fullchain.pem", "privkey.pem"), ("tls.crt", "tls.key")])
def test_a_directory_may_be_certbots_or_of_kubernetes(
    tmp_path: Path, leaf: trustme.LeafCert, file: str, key: str
) -> None:
    (tmp_path / file).write_bytes(b"".join(each.bytes() for each in leaf.cert_chain_pems))
    (tmp_path / key).write_bytes(leaf.private_key_pem.bytes())
    (tmp_path / "cert.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (certificate,) = read_certificates([str(tmp_path)], "x")
    assert (certificate.file, certificate.key_file) == (str(tmp_path / file), str(tmp_path / key))


def test_any_other_directory_is_read_in_the_order_of_names(tmp_path: Path, authority: trustme.CA) -> None:
    for name in ("b", "a"):
        written(authority.issue_cert(f"{name}.example"), tmp_path / f"{name}.pem")
    (tmp_path / "README").write_text("not a certificate")
    assert [each.names for each in read_certificates([str(tmp_path)], "x")] == [("a.example",), ("b.example",)]


def test_what_is_missing_is_named(tmp_path: Path, leaf: trustme.LeafCert) -> None:
    (tmp_path / "chain.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (tmp_path / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "no.pem").endswith("no.pem' cannot be read: No such file or directory")
    assert refusal(tmp_path / "chain.pem").endswith("chain.pem' holds no private key in PEM")
    assert refusal(tmp_path / "key.pem").endswith("key.pem' holds no certificate in PEM")
    assert "holds neither fullchain.pem with privkey.pem" in refusal(tmp_path / "empty")


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, authority: trustme.CA, leaf: trustme.LeafCert) -> None:
    mixed = tmp_path / "mixed.pem"
    mixed.write_bytes(leaf.cert_chain_pems[0].bytes() + authority.issue_cert("b.example").private_key_pem.bytes())
    assert "is not that of the first certificate in" in refusal(mixed)


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path, leaf: trustme.LeafCert) -> None:
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "locked.pem").write_bytes(leaf.cert_chain_pems[0].bytes() + locked)
    assert refusal(tmp_path / "locked.pem").endswith("needs a passphrase: store it without")


def test_a_chain_in_the_wrong_order_is_refused(tmp_path: Path, authority: trustme.CA, leaf: trustme.LeafCert) -> None:
    stranger = trustme.CA()
    (tmp_path / "chain.pem").write_bytes(
        leaf.cert_chain_pems[0].bytes() + stranger.cert_pem.bytes() + leaf.private_key_pem.bytes()
    )
    assert "was not issued by" in refusal(tmp_path / "chain.pem")


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff", b"-----BEGIN CERTIFICATE-----\nnonsense\n"])
def test_garbage_is_refused_in_one_line(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "garbage.pem").write_bytes(garbage)
    assert "garbage.pem" in refusal(tmp_path / "garbage.pem")
    with pytest.raises(ConfigurationError, match=r"garbage\.pem"):
        read_authorities(str(tmp_path / "garbage.pem"), "tls_client_ca_file")


def test_an_expired_certificate_is_doubtful_and_its_end_known(tmp_path: Path, authority: trustme.CA) -> None:
    end = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    expired = authority.issue_cert("a.example", not_before=end - timedelta(days=9), not_after=end)
    (certificate,) = read_certificates([written(expired, tmp_path / "old.pem")], "x")
    assert any("expired on 2024-05-06 07:08 UTC" in doubt for doubt in certificate.doubts(NOW))
    assert certificate.expires_at == end.timestamp()


def test_a_missing_intermediate_certificate_is_doubtful(tmp_path: Path, leaf: trustme.LeafCert) -> None:
    (tmp_path / "alone.pem").write_bytes(leaf.cert_chain_pems[0].bytes() + leaf.private_key_pem.bytes())
    (alone,) = read_certificates([str(tmp_path / "alone.pem")], "x")
    (whole,) = read_certificates([written(leaf, tmp_path / "whole.pem")], "x")
    assert [doubt[:27] for doubt in alone.doubts(NOW)] == ["no intermediate certificate"]
    assert list(whole.doubts(NOW)) == []
