"""What is measured on recordings to judge by evidence that adds up; what is judged by counting is in replay.py."""
