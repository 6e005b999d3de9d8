"""What a command does, without its printing: a gate's parts put together, run, compared and accepted."""
