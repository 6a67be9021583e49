"""From a network and inputs to representations."""
