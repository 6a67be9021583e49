"""Where two networks differ: at which layers, in which weights, on which inputs."""
