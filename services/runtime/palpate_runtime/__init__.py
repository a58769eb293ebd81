"""What every service needs to run: streams, the commit, dead letters, logs, health, metrics, settings."""
