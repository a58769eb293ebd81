"""What the visit note must say, and why the treatment was needed."""
