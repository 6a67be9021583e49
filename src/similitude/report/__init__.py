"""What people and programs get to see of results: tables, figures, files."""
