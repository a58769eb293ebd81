"""The wrong code for the technique that the note describes."""
