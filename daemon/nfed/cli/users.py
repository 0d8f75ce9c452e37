"""`nfed user`: adds, lists and removes those who may log in to the page."""

import getpass
import sys

from nfed.cli import output
from nfed.cli.exits import ExitCode, complain
from nfed.cli.loading import load
from nfed.errors import ConfigError
from nfed.settings.users import Role, Users
from nfed.words import Message, said


def add(name: str, role: str) -> int:
    """Adds somebody, and asks for the password; returns the exit code."""
    if role not in list(Role):
        raise ConfigError(Message("role {role}: expected ver or operar", role=role))
    settings = load({}).settings
    users = Users(settings.users_path)
    if settings.api_token is None:
        complain(
            Message(
                "without api_token the page is open to whoever sits at this machine, and asks for "
                "no name"
            )
        )
    users.add(name, Role(role), _password())
    output.say(Message("{name} may log in to the page as {role}", name=name, role=role))
    return ExitCode.OK


def password(name: str) -> int:
    """Asks for another password, which ends the user's sessions; returns the exit code."""
    Users(load({}).settings.users_path).set_password(name, _password())
    output.say(Message("{name} has another password; the sessions until now have ended", name=name))
    return ExitCode.OK


def remove(name: str) -> int:
    """Takes somebody out, which ends his sessions; returns the exit code."""
    Users(load({}).settings.users_path).remove(name)
    output.say(Message("{name} may no longer log in", name=name))
    return ExitCode.OK


def show() -> int:
    """Names everybody with the role; returns the exit code."""
    for user in Users(load({}).settings.users_path).all().values():
        output.say(f"{user.role.value:7} {user.name}")
    return ExitCode.OK


def _password() -> str:
    """Twice from a terminal, without showing it; otherwise the first line of the input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(said("Password: "))
    if first != getpass.getpass(said("Once more: ")):
        raise ConfigError(Message("these two are not the same"))
    return first
