"""What is measured, a module a part.  Each has `run(asked)`, which answers with a section of the results."""
