"""What trainer and monitor share: the skeleton, the pose networks, the body-language model and its file."""
