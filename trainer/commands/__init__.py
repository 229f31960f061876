"""The trainer's subcommands beside those in trainer/cli.py, and the options that all share."""
