"""What is kept of an incident on disk, sealed and chained. It watches nothing and raises nothing."""
