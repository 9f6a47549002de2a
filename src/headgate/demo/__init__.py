"""The guided tour on real data."""
