"""What a gate can see before a call is paid for, and what it does with an unchanged agent."""
