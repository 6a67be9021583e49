"""`python -m similitude`."""

from similitude.cli.main import main

main()
