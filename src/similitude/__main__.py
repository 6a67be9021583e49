"""`similitude`, and `python -m similitude`."""

from similitude.cli.interrupts import ending_at_once

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C ends it with one line from here on."""
    with ending_at_once():
        from similitude.cli.main import main

        main()


if __name__ == "__main__":
    main()
