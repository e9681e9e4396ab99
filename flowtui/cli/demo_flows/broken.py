"""Broken on purpose: a file that does not parse is shown as such and hides nothing else."""

from prefect import Flow

with Flow("never seen" as flow:
    pass
