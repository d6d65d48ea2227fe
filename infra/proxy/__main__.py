"""Print the configuration of the proxy in front of the scorer, after nginx has checked it.

python -m infra.proxy --bind :443 --scorer 10.0.0.7:8080 --certificate /etc/nginx/scorer.pem > nginx.conf
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from antifraud.exit_codes import returns_exit_code
from infra.proxy.configuration import Proxy
from infra.proxy.server import check_configuration


@returns_exit_code
def main(arguments: Sequence[str]) -> None:
    """Check and print a configuration; its numbers are options with the names of `Proxy`.

    Raises:
        SettingsError: nginx is not installed, refuses the configuration, or may not check it here.
    """
    parser = argparse.ArgumentParser(
        prog="python -m infra.proxy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--bind", required=True, help="address to listen on, such as :443")
    parser.add_argument("--certificate", type=Path, help="file with certificate chain and private key")
    for field in dataclasses.fields(Proxy):
        if field.name not in {"bind", "certificate"}:
            option = "--" + field.name.replace("_", "-")
            parser.add_argument(option, type=type(field.default), default=field.default, help="default: %(default)s")
    proxy = Proxy(**vars(parser.parse_args(arguments)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nginx.conf"
        # The real files may belong to a running nginx, or to root.
        checked = dataclasses.replace(proxy, log=f"{folder}/log", pid=f"{folder}/pid", scratch=folder)
        path.write_text(checked.render())
        check_configuration(path)
    print(proxy.render(), end="")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
