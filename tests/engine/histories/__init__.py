"""The rules of the state machine, one kind of them in each file."""
