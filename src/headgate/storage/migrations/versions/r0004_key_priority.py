"""The highest priority that requests with a key may claim."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_keys", sa.Column("priority", sa.String(16), nullable=False, server_default="normal"))
