"""No secret in what the host's other users can see of our processes, nor in what these write."""

from pathlib import Path

from running import ask, eventually, free_ports, gateway, up

SECRET = "q7-s3cret-9x"


def test_no_token_shows_in_process_lists_or_logs(tmp_path: Path) -> None:
    port = free_ports(3)
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n{SECRET}-old\n")
    file.chmod(0o600)
    with gateway(tmp_path, f"--token-file={file}", "--demo=2", port=port) as (command, _):
        eventually(lambda: up(port, 2), "the demo's backends have registered")
        assert ask(port, "/backends", headers={"Origin": "x", "Authorization": f"Bearer {SECRET}-old"}).status == 200
        assert ask(port, "/backends", headers={"Origin": "x", "Authorization": f"Bearer {SECRET}?"}).status == 403
        file.write_text("no token at all\n")
        assert ask(port, "/backends", headers={"Origin": "x", "Authorization": f"Bearer {SECRET}"}).status == 200
        for pid in (command.pid, *command.children()):
            assert SECRET.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        for address in ("/backends", "/metrics"):
            assert SECRET.encode() not in ask(port, address).body
    assert "the tokens it held before stay valid" in command.output
    assert SECRET not in command.output
