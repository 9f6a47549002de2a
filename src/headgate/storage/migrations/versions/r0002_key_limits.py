"""Limits of a key: requests a second, and at once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_keys", sa.Column("requests_per_second", sa.Float(), nullable=False, server_default="0"))
    op.add_column("access_keys", sa.Column("concurrency", sa.Integer(), nullable=False, server_default="0"))
