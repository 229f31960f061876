"""`bodywatch bench`: measurements that anyone can repeat. No test reads a speed."""
