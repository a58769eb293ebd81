"""The validator: judges every claim that concerns CPT 97140 and publishes pass or fail."""
