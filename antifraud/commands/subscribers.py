"""Commands that say who gets webhooks: subscribers, their URLs and the rotation of their secrets.

A running guard reads the changed file within seconds. Secrets are written to files and never shown.
"""

import argparse
from typing import Final

from antifraud.commands.command import Environ, argument, command
from antifraud.commands.terminal import align_columns, say
from antifraud.keys.subscribers import (
    add_subscriber,
    load_subscribers,
    move_subscriber,
    remove_subscriber,
    retire_secret,
    rotate_secret,
)
from antifraud.settings.serving import GuardSettings

NAME: Final = argument("name", help="name of the subscriber")
URL: Final = argument("--url", required=True, help="https URL, or an http URL of a loopback address")


@command("subscribers add", NAME, URL)
def add(options: argparse.Namespace, environ: Environ) -> None:
    """Send every change of the switch to another URL.

    The file that is named has the secret that the receiver checks signatures with.
    """
    settings = GuardSettings.from_environment(environ)
    secret = add_subscriber(settings.subscribers_path, options.name, options.url, settings.networks)
    say(f"added {options.name}; give its receiver the secret in {secret}")


@command("subscribers list")
def list_all(_options: argparse.Namespace, environ: Environ) -> None:
    """List the subscribers, their hosts, and which of them have two secrets."""
    settings = GuardSettings.from_environment(environ)
    known = load_subscribers(settings.subscribers_path, settings.networks)
    rows = [
        (each.name, each.endpoint.host, "two secrets sign" if len(each.secrets) > 1 else "") for each in known.values()
    ]
    for line in align_columns(rows):
        say(line)


@command("subscribers move", NAME, URL)
def move(options: argparse.Namespace, environ: Environ) -> None:
    """Give a subscriber another URL; its secrets stay."""
    settings = GuardSettings.from_environment(environ)
    move_subscriber(settings.subscribers_path, options.name, options.url, settings.networks)
    say(f"{options.name} has another URL")


@command("subscribers rotate", NAME)
def rotate(options: argparse.Namespace, environ: Environ) -> None:
    """Give a subscriber a second secret. Both sign until `retire`."""
    settings = GuardSettings.from_environment(environ)
    secret = rotate_secret(settings.subscribers_path, options.name, settings.networks)
    say(f"two secrets of {options.name} sign; give its receiver the new one in {secret}, then retire the old one")


@command("subscribers retire", NAME)
def retire(options: argparse.Namespace, environ: Environ) -> None:
    """End a rotation: remove the older secret of a subscriber."""
    settings = GuardSettings.from_environment(environ)
    retire_secret(settings.subscribers_path, options.name, settings.networks)
    say(f"only the newest secret of {options.name} signs")


@command("subscribers remove", NAME)
def remove(options: argparse.Namespace, environ: Environ) -> None:
    """Send a subscriber nothing more; deliveries that wait for it become dead letters."""
    settings = GuardSettings.from_environment(environ)
    remove_subscriber(settings.subscribers_path, options.name, settings.networks)
    say(f"removed {options.name}")
