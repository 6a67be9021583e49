"""The commands by name, each imported when it is run: most of them load what takes a second."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperCommand

from similitude.cli.completion import completing
from similitude.cli.interrupts import ending_at_once

__all__ = ["COMMANDS", "OnDemand"]

COMMANDS = {
    "run": "Build missing populations, compare networks, and print how well each measure tracks their behaviour.",
    "build": "Train a suite's networks; finished networks are kept, so that a killed build resumes where it stopped.",
    "compare": "Compare representations of the same inputs: two arrays, two networks layer by layer, or many networks.",
    "diff": "Find the layer at which two builds of one model first differ by more than the model differs from itself.",
    "inputs": "List the inputs on which two representations differ most, with what each contributes to the value.",
    "layers": "Choose the layer of a network that is most like a given one, and judge it on other inputs.",
    "replay": "Run a recipe again, and say whether files and numbers are still the same.",
    "cite": "Print the sources of measures and suites, and an entry for this package, in BibTeX.",
    "measures": "List the measures with their direction, range, invariances and source; or explain one.",
    "suites": "List suites and subtasks, or describe what their networks can do.",
    "check": "Check that a measure does what it declares, and print its report card.",
    "challenge": "Grade new measures, each against the best established one, with a paired interval for the "
    "difference.",
    "leaderboard": "Grade the whole catalogue of measures, and say which one to use for what.",
    "doctor": "Look for what would make a comparison wrong or meaningless.",
    "report": "Show a finished run again, from its files alone: no network is trained or loaded.",
    "intuitive": "Does a measure find the same layer in another network, notice what is deleted, and does that settle "
    "anything?",
    "replicate": "Train networks from other seeds, grade the measures on them too, and say which verdicts hold.",
    "reproduce": "Grade measures on the released archive of Ding et al. 2021, as published and corrected.",
    "archive": "Import the released archive of Ding et al. 2021, or make a small example of it.",
}
"""Command to what it does, as `similitude --help` says it and as its module's own help begins."""


class OnDemand(TyperCommand):
    """A command that is known by its name and summary, and becomes the one of its module when arguments come."""

    def load(self) -> Any:
        """Return the command, or group of commands, of the module."""
        with ending_at_once():
            module = importlib.import_module(f"similitude.cli.{self.name}")
        if hasattr(module, "app"):
            app = module.app
        else:
            app = typer.Typer(add_completion=False, rich_markup_mode=self.rich_markup_mode)
            app.command(self.name)(module.command)
        command = typer.main.get_command(app)
        command.name = self.name
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse arguments by the command itself; where a shell only asks for values, by what tells those."""
        light = completing(self.name or "", args, self.load) if extra.get("resilient_parsing") else None
        return (light or self.load()).make_context(info_name, args, parent, **extra)
