"""Networks of your own as a suite: a folder of representations, and what the networks can do."""
