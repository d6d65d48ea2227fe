"""Subscribers of webhooks: a private file with a name, a URL and one or two secrets each.

``subscribers.json`` holds ``{"subscribers": [{"name": ..., "url": ..., "secrets": [...]}]}``. Both secrets sign while a
rotation is under way, so a receiver can change from one to the other at any time.
"""

import base64
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from antifraud.errors import SettingsError
from antifraud.files import replace_file
from antifraud.keys.endpoints import Endpoint, Network, parse_endpoint

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
LEAST_SECRET_BYTES, MOST_SECRET_BYTES = 24, 64
MOST_SECRETS: Final = 2
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A receiver of webhooks. Its secrets sign, the newest first; neither they nor the URL are shown."""

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    endpoint: Endpoint = field(repr=False)


Subscribers = Mapping[str, Subscriber]


def load_subscribers(path: Path, networks: Sequence[Network]) -> dict[str, Subscriber]:
    """Read ``subscribers.json``; without the file there are none.

    Raises:
        SettingsError: The file is not what this module writes, or a URL may not be used.
    """
    try:
        entries = json.loads(path.read_text())["subscribers"]
        found = [_subscriber_of(entry, networks) for entry in entries]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SettingsError(
            f"{path} is not a file of subscribers ({type(error).__name__}): make it with `python -m antifraud "
            "subscribers add`"
        ) from None
    if len({subscriber.name for subscriber in found}) < len(found):
        raise SettingsError(f"{path} names a subscriber twice: remove one of the two")
    return {subscriber.name: subscriber for subscriber in found}


def add_subscriber(path: Path, name: str, url: str, networks: Sequence[Network]) -> Path:
    """Add a subscriber with a new secret; return the file with the secret, for its receiver.

    Raises:
        SettingsError: There is such a subscriber already, or the name or the URL may not be used.
    """
    known = load_subscribers(path, networks)
    if name in known:
        raise SettingsError(f"there is a subscriber {name} already: choose another name, or `subscribers move` it")
    secret = _new_secret()
    _write(path, {**known, name: _checked(name, url, (secret,), networks)})
    return _hand_over(path, name, secret)


def move_subscriber(path: Path, name: str, url: str, networks: Sequence[Network]) -> None:
    """Give a subscriber another URL.

    Raises:
        SettingsError: There is no such subscriber, or the URL may not be used.
    """
    known, subscriber = _find(path, name, networks)
    _write(path, {**known, name: _checked(name, url, subscriber.secrets, networks)})


def rotate_secret(path: Path, name: str, networks: Sequence[Network]) -> Path:
    """Give a subscriber a second secret, which signs with the first; return the file with the new one.

    Raises:
        SettingsError: There is no such subscriber, or its last rotation is still under way.
    """
    known, subscriber = _find(path, name, networks)
    if len(subscriber.secrets) == MOST_SECRETS:
        raise SettingsError(f"two secrets of {name} are in use: end the last rotation with `subscribers retire` first")
    secret = _new_secret()
    _write(path, {**known, name: replace(subscriber, secrets=(secret, *subscriber.secrets))})
    return _hand_over(path, name, secret)


def retire_secret(path: Path, name: str, networks: Sequence[Network]) -> None:
    """End a rotation: only the newest secret of a subscriber signs from now on.

    Raises:
        SettingsError: There is no such subscriber, or no rotation is under way.
    """
    known, subscriber = _find(path, name, networks)
    if len(subscriber.secrets) == 1:
        raise SettingsError(f"{name} has only one secret: `subscribers rotate` gives it a second one")
    _write(path, {**known, name: replace(subscriber, secrets=subscriber.secrets[:1])})


def remove_subscriber(path: Path, name: str, networks: Sequence[Network]) -> None:
    """Remove a subscriber and the file with its secret.

    Raises:
        SettingsError: There is no such subscriber.
    """
    known, _ = _find(path, name, networks)
    _write(path, {other: known[other] for other in known if other != name})
    secret_path(path, name).unlink(missing_ok=True)


def secret_path(path: Path, name: str) -> Path:
    """Return the file that holds the newest secret of a subscriber, beside the file of all subscribers."""
    return path.with_name(f"webhook-{name}.secret")


def _find(path: Path, name: str, networks: Sequence[Network]) -> tuple[dict[str, Subscriber], Subscriber]:
    known = load_subscribers(path, networks)
    if name not in known:
        raise SettingsError(f"there is no such subscriber: `python -m antifraud subscribers list` names {len(known)}")
    return known, known[name]


def _subscriber_of(entry: Mapping[str, Any], networks: Sequence[Network]) -> Subscriber:
    signing = entry["secrets"]
    if not isinstance(signing, list):
        raise TypeError("secrets are a list")
    return _checked(entry["name"], entry["url"], tuple(signing), networks)


def _checked(name: str, url: str, signing: tuple[str, ...], networks: Sequence[Network]) -> Subscriber:
    if not NAME.fullmatch(name):
        raise SettingsError("the name of a subscriber is 1 to 32 small letters, digits and hyphens: choose another one")
    if not 1 <= len(signing) <= MOST_SECRETS or not all(map(_is_secret, signing)):
        raise SettingsError(f"the subscriber {name} needs one or two secrets of 24 to 64 bytes: remove it, add it anew")
    return Subscriber(name, url, signing, parse_endpoint(url, networks))


def _is_secret(text: Any) -> bool:
    if not isinstance(text, str) or not text.startswith(PREFIX):
        return False
    try:
        content = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        return False
    return LEAST_SECRET_BYTES <= len(content) <= MOST_SECRET_BYTES


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _write(path: Path, subscribers: Subscribers) -> None:
    entries = [{"name": each.name, "url": each.url, "secrets": list(each.secrets)} for each in subscribers.values()]
    # Replaced at once and readable by the owner only: the guard reads the file while it runs.
    replace_file(path, json.dumps({"subscribers": entries}, indent=2) + "\n")


def _hand_over(path: Path, name: str, secret: str) -> Path:
    target = secret_path(path, name)
    replace_file(target, secret + "\n")
    return target
