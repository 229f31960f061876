"""Makes and audits the model files that the monitor loads."""
