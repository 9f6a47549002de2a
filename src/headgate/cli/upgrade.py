"""`headgate upgrade`: bring the database to the schema of this release."""

import os
from pathlib import Path

import click
import msgspec

from headgate.cli.options import PlainCommand, optional_reason_option
from headgate.cli.rendering import show_done
from headgate.errors import Conflict
from headgate.home import find_home
from headgate.registry.upgrading import upgrade_home
from headgate.settings import load_settings


@click.command(cls=PlainCommand)
@click.option("--home", metavar="DIR", help="The instance's folder; default: the nearest .headgate.")
@click.option("--database", metavar="URL", help="The database, where neither environment nor headgate.toml names it.")
@optional_reason_option
def upgrade(home: str | None, database: str | None, reason: str) -> None:
    """Bring the database to the schema of this release; nothing needs to run.

    All of it or nothing. A SQLite file is copied first; back PostgreSQL up yourself: headgate backup, or pg_dump. A
    database that a newer release wrote is refused.
    """
    place = find_home(Path.cwd(), home or os.environ.get("HEADGATE_HOME"))
    settings = load_settings(place.path, os.environ, {"database": database})
    if not settings.database and not place.database.exists():
        raise Conflict(
            f"There is no database in {place.path}. Where the instance keeps it in PostgreSQL, name that: headgate "
            f"upgrade --home {place.path} --database URL. To make a new instance: headgate up --home {place.path}"
        )
    done = upgrade_home(place, settings.database, actor="local", reason=reason)
    found = msgspec.to_builtins(done)
    if done.before == done.after:
        show_done(found, f"The database is at revision {done.after}, which this release works with.", brief="after")
        return
    kept = f" The file as it was before: {done.copy}" if done.copy else ""
    show_done(found, f"Upgraded the database from {done.before} to {done.after}.{kept}", brief="after")
