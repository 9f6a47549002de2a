"""The servers of others, each the way its documentation shows first. Run in environments where Headgate is not."""
