"""Wire protocols of the field over the same predictions; one file each."""
