"""`python -m trainer`: the same as `bodywatch trainer`."""

from trainer.cli import main

main()
