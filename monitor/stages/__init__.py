"""What a frame goes through, from the pose network to an incident.

No clock, thread or socket in here: time comes in with the frame.
"""
