"""The command line: thin; it computes nothing."""
