"""What the subcommands of `bodywatch` do. What they call lives in the other rooms."""
