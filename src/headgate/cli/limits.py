"""What options that limit a key take: what the records say."""

from typing import get_args

import click

from headgate.records import MOST, Priority

PRIORITY = click.Choice(get_args(Priority))
RATE = click.FloatRange(0, MOST)
CONCURRENCY = click.IntRange(0, MOST)
