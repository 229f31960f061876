"""What puts the parts to work: the demo, container files, units, and a complete example configuration."""
