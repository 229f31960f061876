"""When a person's scores become suspicion: by counted windows, or by evidence that adds up. No incidents in here."""
