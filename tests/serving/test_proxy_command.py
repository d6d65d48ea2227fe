"""``python -m infra.proxy`` prints what a real nginx has checked, or says in one line what to do."""

import os
import re
import subprocess

import pytest

from infra.local.ports import free_port
from infra.proxy.__main__ import main
from infra.proxy.server import find_nginx
from tests.serving.processes import ROOT


def test_the_command_prints_a_checked_configuration(capsys, certificate):
    """The proxy accepts what is printed; a certificate that is missing ends the command with one line."""
    assert main(["--bind", "127.0.0.1:8443", "--certificate", str(certificate), "--requests-of-token", "7"]) == 0
    text = capsys.readouterr().out
    assert f"ssl_certificate {certificate};" in text
    assert "zone=tokens:10m rate=7r/s" in text

    assert main(["--bind", "127.0.0.1:8443", "--certificate", "/nowhere/scorer.pem"]) == 10
    said = capsys.readouterr().err
    assert said.startswith('error: nginx refuses the configuration: cannot load certificate "/nowhere/scorer.pem"')
    assert said.count("\n") == 1


# Words of nginx itself, for an account without all rights, and on a machine without the address.
ELSEWHERE = {
    "bind() to 0.0.0.0:443 failed (13: Permission denied)": "run it as root",
    'cannot load certificate "/p.pem": BIO_new_file() failed (SSL: error:8000000D:system library::Permission denied:'
    "calling fopen(/p.pem, r) error:10080002:BIO routines::system lib)": "run it as root",
    'mkdir() "/var/lib/nginx/body" failed (13: Permission denied)': "run it as root",
    'chown("/var/lib/nginx/body", 65534) failed (1: Operation not permitted)': "run it as root",
    "bind() to 10.0.0.7:443 failed (99: Cannot assign requested address)": "run it on the machine of the proxy",
}


@pytest.mark.parametrize("said", ELSEWHERE)
def test_what_only_the_machine_lacks_is_no_fault_of_the_options(capsys, monkeypatch, tmp_path, said):
    """The command says what nginx said, and what to do: nothing is wrong with the options."""
    nginx = tmp_path / "nginx"
    nginx.write_text(f"#!/bin/sh\necho '2026/11/30 12:00:00 [emerg] 7#7: {said}' >&2\nexit 1\n")
    nginx.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert main(["--bind", ":443"]) == 10
    told = capsys.readouterr().err
    assert told.startswith(f"error: nginx cannot check the configuration here: {said}; {ELSEWHERE[said]}")
    assert ("correct the options" in told, told.count("\n")) == (False, 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a capability away")
def test_an_account_that_may_not_listen_there_is_told_so(capsys, monkeypatch, tmp_path):
    """A real nginx without the right to a low port; with a high one, it needs no right at all."""
    nginx, real = tmp_path / "nginx", find_nginx()
    drop = "setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service"
    nginx.write_text(f'#!/bin/sh\nexec {drop} {real} "$@"\n')
    nginx.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert main(["--bind", "127.0.0.1:9"]) == 10
    told = capsys.readouterr().err
    assert "bind() to 127.0.0.1:9 failed (13: Permission denied); run it as root" in told
    assert main(["--bind", f"127.0.0.1:{free_port()}"]) == 0


def test_the_command_of_the_manual_works(capsys, certificate):
    """An address without a host is one that nginx knows, too."""
    manual = (ROOT / "docs" / "architecture" / "serving.md").read_text()
    (options,) = re.findall(r"`python -m infra\.proxy ([^`]*--certificate )scorer\.pem`", manual)

    # Ports below 1024 are for root on many machines.
    port = str(free_port())
    assert main([*options.replace(":443", f":{port}").split(), str(certificate)]) == 0
    assert f"        listen {port} ssl;\n" in capsys.readouterr().out


def test_the_configuration_suits_a_service(capsys, certificate, tmp_path):
    """The unit of Debian says on the command line that nginx becomes a daemon, so the file says nothing about it."""
    log = tmp_path / "access.log"
    assert main(["--bind", f":{free_port()}", "--certificate", str(certificate), "--log", str(log)]) == 0
    (tmp_path / "nginx.conf").write_text(capsys.readouterr().out)

    command = [find_nginx(), "-t", "-q", "-g", "daemon on; master_process on;", "-c", tmp_path / "nginx.conf"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
