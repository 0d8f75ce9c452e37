"""Debian's PostgreSQL on the machine, and nfed.service that keeps its notes there."""

from tests.system.machine import Machine
from tests.system.service import Service

UNIT = "postgresql@17-main.service"
URL = "postgresql://nfed:geheim@127.0.0.1:5432/nfe"


class PostgresService(Service):
    """The service as deploy/README.md sets it up for a PostgreSQL of the same machine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        machine.systemctl("start", UNIT)
        self.sql("create role nfed login password 'geheim'")
        self.sql("create database nfe owner nfed")
        folder = "/etc/systemd/system/nfed.service.d"
        machine.run("install", "-Dm644", "-t", folder, "/usr/share/nfed/local-postgres.conf")
        machine.systemctl("daemon-reload")
        machine.write("/etc/credstore/nfed.database_url", URL, 0o600)
        self.restart()

    def sql(self, statement: str, database: str = "postgres") -> list[str]:
        """Runs a statement as the superuser; returns its rows."""
        return self.machine.said(
            *("runuser", "-u", "postgres", "--", "psql", "-X", "-v", "ON_ERROR_STOP=1"),
            *("-Atqc", statement, database),
        ).splitlines()

    def stored(self) -> list[str]:
        """The keys of all stored notes."""
        return self.sql("select chave_acesso from notas_fiscais", "nfe")
