"""What commands do: choose subtasks, grade measures on their networks, and write what was found."""
