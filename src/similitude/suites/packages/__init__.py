"""Networks that others trained, as packages of the package index ship them."""
