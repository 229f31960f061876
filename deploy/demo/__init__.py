"""`bodywatch demo`: a rendered broadcast with an impostor, the whole daemon on it, and what it said."""
